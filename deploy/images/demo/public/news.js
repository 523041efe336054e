/** The texts of the page: short notes, the state of the line, and the farewell after the session. */
const MOST_NOTES = 3;

const WHY = {
  IDLE: 'It was shut down because it was empty for a while.',
  LIFETIME: 'It had reached the longest time that a session may last.',
  REQUESTED: 'It was shut down on request.',
  DRAINED: 'The machine that it ran on was taken out of service.',
  DRONE_LOST: 'The machine that it ran on is gone.',
};

const find = (id) => document.getElementById(id);

/** Shows a note that goes by itself. */
export function note(text) {
  const line = Object.assign(document.createElement('p'), { textContent: text });
  line.onanimationend = () => line.remove();
  find('toasts').append(line);
  while (find('toasts').childElementCount > MOST_NOTES) find('toasts').firstElementChild.remove();
}

/** Shows a state of the line until the next one; none when `text` is empty. */
export function showStatus(text) {
  document.body.classList.toggle('away', text !== '');
  find('status').textContent = text;
  find('status').hidden = text === '';
}

/** The session is over; `answer` is what was said instead of the board and may name the reason. */
export function farewell(answer, hasDrawing) {
  const reason = Object.keys(WHY).find((name) => new RegExp(`\\b${name}\\b`).test(answer));
  const parting = hasDrawing
    ? 'The board is closed, but you can take the picture with you.'
    : 'Thank you for coming.';
  showStatus('The session has ended');
  find('status').hidden = true;
  find('farewell-text').textContent = [WHY[reason], parting].filter(Boolean).join(' ');
  find('keepsake').hidden = !hasDrawing;
  find('farewell').oncancel = (event) => event.preventDefault();
  find('farewell').showModal();
}
