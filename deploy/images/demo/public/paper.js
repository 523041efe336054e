/**
 * The two canvases: `dry` holds finished strokes and is repainted only when it must be, `wet` holds those in hand
 * and is repainted every frame. The middle of the board is the middle of every window; a window that is too small
 * for what is drawn shows everything smaller.
 */
const SMALLEST_SCALE = 0.1;
const EASING = 0.18;
const GRID = 28;
/** Board units left free around a drawing that has to be made smaller, and around a saved one. */
const MARGIN = 24;
const LARGEST_PICTURE = 4_000;

export class Paper {
  strokes = new Map();
  scale = 1;
  /** Called after each repaint. */
  onDraw = () => {};

  #dry;
  #wet;
  #inks = getComputedStyle(document.documentElement);
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #goal = 1;
  #stale = true;
  #frame = 0;

  constructor(dry, wet) {
    this.#dry = dry;
    this.#wet = wet;
    addEventListener('resize', () => this.repaint());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.repaint());
    this.repaint();
  }

  /** Repaints all in the next frame. */
  repaint() {
    this.#stale = true;
    this.#schedule();
  }

  set(strokes) {
    this.strokes = new Map(strokes.map((stroke) => [stroke.id, stroke]));
    this.repaint();
  }

  begin(stroke) {
    this.strokes.set(stroke.id, stroke);
    this.#schedule();
  }

  extend(id, points) {
    this.strokes.get(id)?.points.push(...points);
    this.#schedule();
  }

  end(id) {
    const stroke = this.strokes.get(id);
    if (!stroke) return;
    stroke.ended = true;
    this.#brush(this.#dry, (context) => paint(context, stroke, this.#inks));
    this.#schedule();
  }

  remove(ids) {
    for (const id of ids) this.strokes.delete(id);
    this.repaint();
  }

  /** A point of the window, or the nearest to it, as a point of the board. */
  toBoard(x, y) {
    const fromMiddle = (value, size) => {
      const inside = Math.min(Math.max(value, 0), size) - size / 2;
      return Math.round((inside / this.scale) * 10) / 10;
    };
    return [fromMiddle(x, innerWidth), fromMiddle(y, innerHeight)];
  }

  toWindow([x, y]) {
    return [x * this.scale + innerWidth / 2, y * this.scale + innerHeight / 2];
  }

  /** The whole drawing on its paper, as a PNG blob. */
  picture() {
    const { width, height } = this.#extent();
    const detail = Math.min(2, LARGEST_PICTURE / Math.max(width, height) / 2);
    const canvas = new OffscreenCanvas(2 * detail * (width + MARGIN), 2 * detail * (height + MARGIN));
    const context = canvas.getContext('2d');
    context.fillStyle = this.#inks.getPropertyValue('--paper');
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.translate(canvas.width / 2, canvas.height / 2);
    context.scale(detail, detail);
    for (const stroke of this.strokes.values()) paint(context, stroke, this.#inks);
    return canvas.convertToBlob({ type: 'image/png' });
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#frame = 0;
    if (this.#moveView()) this.#stale = true;
    if (this.#stale) {
      this.#stale = false;
      document.documentElement.style.setProperty('--grid', `${gridSize(this.scale)}px`);
      wipe(this.#dry);
      this.#brush(this.#dry, (context) => {
        for (const stroke of this.strokes.values()) if (stroke.ended) paint(context, stroke, this.#inks);
      });
    }
    wipe(this.#wet);
    this.#brush(this.#wet, (context) => {
      for (const stroke of this.strokes.values()) if (!stroke.ended) paint(context, stroke, this.#inks);
    });
    this.onDraw();
  }

  /** Eases the scale to its goal, and says whether it moved. */
  #moveView() {
    this.#setGoal();
    if (this.scale === this.#goal) return false;
    const next = this.scale + (this.#goal - this.scale) * (this.#calm.matches ? 1 : EASING);
    this.scale = Math.abs(this.#goal - next) < 0.002 ? this.#goal : next;
    this.#schedule();
    return true;
  }

  /** A goal stays for as long as it shows everything: who draws at the edge does not push it away. */
  #setGoal() {
    const { width, height } = this.#extent();
    const shows = (scale) => width * scale <= innerWidth / 2 + 1 && height * scale <= innerHeight / 2 + 1;
    const roomy = Math.min(innerWidth / 2 / (width + MARGIN), innerHeight / 2 / (height + MARGIN));
    const best = shows(1) ? 1 : Math.max(roomy, SMALLEST_SCALE);
    if (!shows(this.#goal) || best > this.#goal) this.#goal = best;
  }

  /** How far the drawing reaches from the middle. */
  #extent() {
    let width = 1;
    let height = 1;
    for (const { points } of this.strokes.values()) {
      for (let i = 0; i < points.length; i += 2) {
        width = Math.max(width, Math.abs(points[i]));
        height = Math.max(height, Math.abs(points[i + 1]));
      }
    }
    return { width, height };
  }

  #brush(canvas, draw) {
    const context = canvas.getContext('2d');
    context.save();
    context.scale(devicePixelRatio, devicePixelRatio);
    context.translate(innerWidth / 2, innerHeight / 2);
    context.scale(this.scale, this.scale);
    draw(context);
    context.restore();
  }
}

/** Makes a canvas empty and as large as the window. */
function wipe(canvas) {
  const width = Math.round(innerWidth * devicePixelRatio);
  const height = Math.round(innerHeight * devicePixelRatio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  else canvas.getContext('2d').clearRect(0, 0, width, height);
}

/** Dots of paper keep a pleasant distance at every scale. */
function gridSize(scale) {
  let size = GRID * scale;
  while (size < GRID * 0.6) size *= 2;
  return size;
}

/** A canvas paints nothing for a line that goes nowhere; this far makes a dot. */
const DOT = 0.1;

/** One smooth line: curves from middle to middle of the points' distances, each bent by the point between. */
function paint(context, { colour, width, points }, inks) {
  context.beginPath();
  context.moveTo(points[0], points[1]);
  for (let i = 2; i + 3 < points.length; i += 2) {
    const middleX = (points[i] + points[i + 2]) / 2;
    const middleY = (points[i + 1] + points[i + 3]) / 2;
    context.quadraticCurveTo(points[i], points[i + 1], middleX, middleY);
  }
  context.lineTo(points.at(-2) + (points.length === 2 ? DOT : 0), points.at(-1));
  context.strokeStyle = inks.getPropertyValue(`--${colour}`);
  context.lineWidth = width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.stroke();
}
