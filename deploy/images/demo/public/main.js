import { connect } from './connection.js';
import { copyLink } from './link.js';
import { farewell, note, showStatus } from './news.js';
import { Paper } from './paper.js';
import { Pen } from './pen.js';
import { People } from './people.js';
import { chooseColour, setUpTools } from './tools.js';

const find = (id) => document.getElementById(id);
const paper = new Paper(find('dry'), find('wet'));
const people = new People(paper);
const send = connect({ onMessage, onState });
const pen = new Pen(find('wet'), paper, send);
paper.onDraw = () => {
  people.place();
  find('hint').hidden = !pen.author || paper.strokes.size > 0;
};

setUpTools(pen, { undo: () => send({ type: 'undo' }), clear: () => send({ type: 'clear' }), save });
find('keepsake').onclick = save;
find('copy').onclick = async () => note((await copyLink()) ? 'Link copied' : location.href);
find('session').textContent = location.host;
find('people').open = innerWidth >= 900;

function onMessage(message) {
  hear[message.type]?.(message);
}

const hear = {
  welcome({ you, guests, strokes, nextStroke, session }) {
    pen.drop();
    if (!pen.author) chooseColour(guests.find((guest) => guest.id === you).colour);
    Object.assign(pen, { author: you, nextStroke });
    people.set(guests, you);
    paper.set(strokes);
    find('session').parentElement.title = `This session is ${session}`;
  },
  joined: ({ guest }) => people.add(guest) && note(`${guest.name} is here`),
  left({ guest }) {
    note(`${people.get(guest)?.name ?? 'A guest'} has left`);
    people.remove(guest);
  },
  begin: ({ stroke }) => paper.begin(stroke),
  extend: ({ stroke, points }) => paper.extend(stroke, points),
  end: ({ stroke }) => paper.end(stroke),
  removed: ({ strokes }) => paper.remove(strokes),
  cleared({ guest }) {
    paper.set([]);
    note(`${guest === pen.author ? 'You' : people.get(guest)?.name} cleared the board`);
  },
  cursor: ({ guest, point }) => people.point(guest, point),
};

function onState(state, answer = '') {
  if (state === 'ended') farewell(answer, paper.strokes.size > 0);
  else
    showStatus({ open: '', away: 'Connecting again…', full: 'The board is full just now. Waiting…' }[state]);
  if (state !== 'open') pen.drop();
}

async function save() {
  const address = URL.createObjectURL(await paper.picture());
  Object.assign(document.createElement('a'), { href: address, download: 'drawing-board.png' }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
