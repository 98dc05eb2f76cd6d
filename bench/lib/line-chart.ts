// Line charts one above the other over the same time, as one SVG by hand: a picture for a README needs no library.

export interface Series {
  readonly label: string;
  readonly colour: string;
  readonly isDashed?: boolean;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Panel {
  readonly title: string;
  /** `log`: powers of ten; a value under the lowest of them lies on the axis. */
  readonly scale: 'linear' | 'log';
  readonly series: readonly Series[];
  readonly unit: (value: number) => string;
}

interface Chart {
  readonly title: string;
  /** For those who cannot see it. */
  readonly description: string;
  readonly xTitle: string;
  readonly panels: readonly Panel[];
}

const WIDTH = 760;
const LEFT = 64;
const RIGHT = 16;
const TOP = 44;
const PLOT_HEIGHT = 130;
const PANEL_HEIGHT = PLOT_HEIGHT + 58;
const BOTTOM = 36;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;

const INK = '#1f2937';
const FAINT = '#6b7280';
const GRID = '#e5e7eb';

interface Axis {
  readonly ticks: readonly number[];
  /** From 0, the axis, to 1, the top. */
  readonly at: (value: number) => number;
}

export function lineChart(chart: Chart): string {
  const height = TOP + chart.panels.length * PANEL_HEIGHT + BOTTOM;
  const xs = chart.panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map(([x]) => x)));
  const xAxis = linearAxis(Math.max(...xs), 8);
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif" font-size="12">`,
    `<title>${escaped(chart.title)}</title>`,
    `<desc>${escaped(chart.description)}</desc>`,
    `<rect width="${WIDTH}" height="${height}" rx="6" fill="#ffffff"/>`,
    text(WIDTH / 2, 26, chart.title, { anchor: 'middle', weight: 600, size: 15 }),
    ...chart.panels.map((panel, index) => panelSvg(panel, TOP + index * PANEL_HEIGHT, xAxis)),
    text(LEFT + PLOT_WIDTH / 2, height - 12, chart.xTitle, { anchor: 'middle', fill: FAINT }),
    '</svg>',
  ].join('\n')}\n`;
}

function panelSvg(panel: Panel, top: number, xAxis: Axis): string {
  const plotTop = top + 30;
  const bottom = plotTop + PLOT_HEIGHT;
  const values = panel.series.flatMap(({ points }) => points.map(([, y]) => y));
  const yAxis = panel.scale === 'log' ? logAxis(values) : linearAxis(Math.max(...values), 4);
  const x = (value: number): number => LEFT + xAxis.at(value) * PLOT_WIDTH;
  const y = (value: number): number => bottom - yAxis.at(value) * PLOT_HEIGHT;
  return [
    text(LEFT, top + 16, panel.title, { weight: 600 }),
    legend(panel.series, top + 16),
    ...yAxis.ticks.flatMap((tick) => [
      line(LEFT, y(tick), LEFT + PLOT_WIDTH, y(tick), GRID),
      text(LEFT - 8, y(tick) + 4, panel.unit(tick), { anchor: 'end', fill: FAINT }),
    ]),
    ...xAxis.ticks.map((tick) => text(x(tick), bottom + 16, String(tick), { anchor: 'middle', fill: FAINT })),
    line(LEFT, bottom, LEFT + PLOT_WIDTH, bottom, FAINT),
    ...panel.series.map((series) => polyline(series, x, y)),
  ].join('\n');
}

/** From the right, so that the title keeps its place. */
function legend(series: readonly Series[], y: number): string {
  let right = LEFT + PLOT_WIDTH;
  return [...series]
    .reverse()
    .map((one) => {
      const width = one.label.length * 6.2;
      const start = right - width;
      right = start - 42;
      return [
        line(start - 26, y - 4, start - 6, y - 4, one.colour, one.isDashed ? 2 : 3, one.isDashed),
        text(start, y, one.label, { fill: INK }),
      ].join('\n');
    })
    .join('\n');
}

function polyline(series: Series, x: (value: number) => number, y: (value: number) => number): string {
  const points = series.points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ');
  return `<polyline points="${points}" fill="none" stroke="${series.colour}" stroke-width="${series.isDashed ? 1.5 : 2.25}" stroke-linejoin="round"${dash(series.isDashed)}/>`;
}

/** From 0 to the first tick that no value is over. */
function linearAxis(highest: number, wanted: number): Axis {
  const raw = Math.max(highest, 1e-9) / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * magnitude >= raw) ?? 10) * magnitude;
  const count = Math.ceil(highest / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { ticks, at: (value) => value / (step * count) };
}

/** Whole powers of ten around the values over 0. */
function logAxis(values: readonly number[]): Axis {
  const positive = values.filter((value) => value > 0);
  const low = Math.floor(Math.log10(Math.min(...positive)));
  const high = Math.max(Math.ceil(Math.log10(Math.max(...positive))), low + 1);
  const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
  return {
    ticks,
    at: (value) => Math.max(0, (Math.log10(Math.max(value, 10 ** low)) - low) / (high - low)),
  };
}

function text(
  x: number,
  y: number,
  content: string,
  { anchor = 'start', fill = INK, weight = 400, size = 12 } = {},
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${fill}" font-weight="${weight}" font-size="${size}">${escaped(content)}</text>`;
}

function line(
  x1: number,
  y1: number,
  x2: number,
  y2: number,
  colour: string,
  width = 1,
  isDashed?: boolean,
): string {
  const at = [x1, y1, x2, y2].map((value) => value.toFixed(1));
  return `<line x1="${at[0]}" y1="${at[1]}" x2="${at[2]}" y2="${at[3]}" stroke="${colour}" stroke-width="${width}"${dash(isDashed)}/>`;
}

const dash = (isDashed: boolean | undefined): string => (isDashed ? ' stroke-dasharray="5 4"' : '');

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
