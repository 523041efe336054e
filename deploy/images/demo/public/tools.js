/** The tool bar: colours and widths as radio buttons, the actions, and their keys. */
const COLOURS = ['ink', 'blue', 'teal', 'green', 'amber', 'coral', 'rose', 'violet'];
const WIDTHS = { 3: 'Fine', 7: 'Medium', 16: 'Broad' };

const find = (id) => document.getElementById(id);

/** Fills the tool bar; `pen` gets colour and width, `actions` are { undo, save, clear }. */
export function setUpTools(pen, actions) {
  for (const [index, colour] of COLOURS.entries()) {
    const label = colour[0].toUpperCase() + colour.slice(1);
    const pick = radio('colour', colour, `${label} (${index + 1})`, () => {
      pen.colour = colour;
      find('tools').style.setProperty('--pen', `var(--${colour})`);
    });
    pick.style.setProperty('--own', `var(--${colour})`);
    find('colours').append(pick);
  }
  for (const [width, label] of Object.entries(WIDTHS)) {
    const pick = radio('width', width, label, () => {
      pen.width = Number(width);
    });
    const size = `${Number(width) + 3}px`;
    Object.assign(pick.querySelector('i').style, { width: size, height: size });
    find('widths').append(pick);
  }
  choose('width', '7');

  find('undo').onclick = actions.undo;
  find('save').onclick = actions.save;
  find('clear').onclick = () => find('confirm').showModal();
  find('confirm').onclose = () => {
    if (find('confirm').returnValue === 'clear') actions.clear();
    find('confirm').returnValue = '';
  };
  find('tools').onsubmit = (event) => event.preventDefault();
  addEventListener('keydown', (event) => onKey(event, actions));
}

export function chooseColour(colour) {
  choose('colour', colour);
}

function radio(name, value, label, onChoose) {
  const pick = document.createElement('label');
  pick.className = 'pick';
  pick.title = label;
  const input = Object.assign(document.createElement('input'), { type: 'radio', name, value });
  input.setAttribute('aria-label', label);
  input.onchange = onChoose;
  pick.append(input, document.createElement('i'));
  return pick;
}

function choose(name, value) {
  document.querySelector(`input[name="${name}"][value="${value}"]`).click();
}

function onKey(event, actions) {
  if (document.querySelector('dialog[open]')) return;
  if ((event.ctrlKey || event.metaKey) && event.key === 'z') {
    event.preventDefault();
    actions.undo();
  } else if (!event.ctrlKey && !event.metaKey && !event.altKey && COLOURS[event.key - 1]) {
    choose('colour', COLOURS[event.key - 1]);
  }
}
