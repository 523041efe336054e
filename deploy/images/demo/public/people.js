/** The guests: faces and count in the corner, the list of names, and every cursor on the paper. */
const MOST_FACES = 5;
const ARROW =
  '<svg viewBox="0 0 20 20"><path d="M3 2.5 17 9l-6.200 1.800L8.500 17z" stroke-linejoin="round"/></svg>';

export class People {
  #guests = new Map();
  #cursors = new Map();
  #you = '';
  #paper;

  constructor(paper) {
    this.#paper = paper;
  }

  get(id) {
    return this.#guests.get(id);
  }

  set(guests, you) {
    this.#you = you;
    this.#guests = new Map(guests.map((guest) => [guest.id, guest]));
    for (const id of [...this.#cursors.keys()]) this.point(id, null);
    this.#show();
  }

  /** Says whether the guest is new here. */
  add(guest) {
    const isNew = !this.#guests.has(guest.id);
    this.#guests.set(guest.id, guest);
    this.#show();
    return isNew;
  }

  remove(id) {
    this.point(id, null);
    this.#guests.delete(id);
    this.#show();
  }

  /** Puts a guest's cursor at a point of the board, or takes it away. */
  point(id, point) {
    const guest = this.#guests.get(id);
    if (!point || !guest) {
      this.#cursors.get(id)?.element.remove();
      this.#cursors.delete(id);
      return;
    }
    const cursor = this.#cursors.get(id) ?? { element: cursorOf(guest) };
    cursor.point = point;
    this.#cursors.set(id, cursor);
    this.#place(cursor);
  }

  /** The view has changed: every cursor finds its place again. */
  place() {
    for (const cursor of this.#cursors.values()) this.#place(cursor);
  }

  #place({ element, point }) {
    const [x, y] = this.#paper.toWindow(point);
    const left = Math.min(Math.max(x, 4), innerWidth - 20);
    const top = Math.min(Math.max(y, 4), innerHeight - 20);
    element.style.translate = `${left}px ${top}px`;
    element.classList.toggle('flip', left > innerWidth - 150);
  }

  #show() {
    const guests = [...this.#guests.values()];
    document.querySelector('#count').textContent = guests.length;
    document.querySelector('#faces').replaceChildren(...guests.slice(0, MOST_FACES).map(faceOf));
    document.querySelector('#names').replaceChildren(...guests.map((guest) => this.#lineOf(guest)));
  }

  #lineOf(guest) {
    const line = tinted('li', guest);
    line.append(guest.name);
    if (guest.id === this.#you)
      line.append(Object.assign(document.createElement('small'), { textContent: 'you' }));
    return line;
  }
}

function tinted(name, guest) {
  const element = document.createElement(name);
  element.style.setProperty('--own', `var(--${guest.colour})`);
  return element;
}

function faceOf(guest) {
  const face = tinted('i', guest);
  face.textContent = guest.name.replace(/[^A-Z]/g, '');
  return face;
}

function cursorOf(guest) {
  const element = tinted('div', guest);
  element.className = 'cursor';
  element.innerHTML = ARROW;
  element.append(Object.assign(document.createElement('span'), { textContent: guest.name }));
  document.querySelector('#cursors').append(element);
  return element;
}
