/** A line of a chart; both coordinates above zero. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const WIDTH = 760;
const HEIGHT = 460;
const PLOT = { left: 76, top: 46, right: 560, bottom: 396 } as const;
/** Told apart also by people who do not see all colours (Okabe and Ito), and by the marks. */
const COLORS: readonly string[] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333"];
const DASHES: readonly string[] = ["none", "7 3", "2 3", "9 3 2 3"];
const FONT = 'font-family="system-ui, Helvetica, Arial, sans-serif"';

const escapeXML = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const at = (value: number): string => value.toFixed(1);

/** A logarithmic axis over whole decades, from `from` to `to` in pixels. */
interface Axis {
  readonly place: (value: number) => number;
  readonly decades: readonly number[];
}

/** Decades around the values; one decade at least. */
function axisOf(values: readonly number[], from: number, to: number): Axis {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    place: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    decades: Array.from({ length: high - low + 1 }, (_, i) => low + i),
  };
}

/** 1000 → `1,000`; 0.01 → `0.01`. */
function decadeLabel(exponent: number): string {
  return exponent >= 0 ? (10 ** exponent).toLocaleString("en") : (10 ** exponent).toFixed(-exponent);
}

function label(x: number, y: number, text: string, more = ""): string {
  return `<text x="${at(x)}" y="${at(y)}" ${FONT} font-size="13" fill="#222"${more}>${escapeXML(text)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, color: string): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${color}"/>`;
}

/** Strong lines at the decades, faint ones at 2 … 9 between them. */
function gridOf({ place, decades }: Axis, draw: (at: number, strong: boolean) => string): string[] {
  return decades.flatMap((exponent, i) => {
    const strong = draw(place(10 ** exponent), true);
    if (i === decades.length - 1) return [strong];
    return [strong, ...[2, 3, 4, 5, 6, 7, 8, 9].map((n) => draw(place(n * 10 ** exponent), false))];
  });
}

function axes(x: Axis, y: Axis, { xLabel, yLabel }: Chart): string[] {
  const { left, top, right, bottom } = PLOT;
  const color = (strong: boolean): string => (strong ? "#b8b8b8" : "#ececec");
  const middle = (top + bottom) / 2;
  return [
    ...gridOf(x, (px, strong) => line(px, top, px, bottom, color(strong))),
    ...gridOf(y, (py, strong) => line(left, py, right, py, color(strong))),
    ...x.decades.map((exponent) =>
      label(x.place(10 ** exponent), bottom + 20, decadeLabel(exponent), ' text-anchor="middle"'),
    ),
    ...y.decades.map((exponent) =>
      label(left - 8, y.place(10 ** exponent) + 4, decadeLabel(exponent), ' text-anchor="end"'),
    ),
    label((left + right) / 2, bottom + 44, xLabel, ' text-anchor="middle"'),
    label(18, middle, yLabel, ` text-anchor="middle" transform="rotate(-90 18 ${at(middle)})"`),
  ];
}

function curve({ points }: Series, i: number, x: Axis, y: Axis): string[] {
  const color = COLORS[i % COLORS.length] as string;
  const places = points.map(([px, py]) => [x.place(px), y.place(py)] as const);
  const path = places.map(([px, py]) => `${at(px)},${at(py)}`).join(" ");
  const dash = DASHES[i % DASHES.length] as string;
  return [
    `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`,
    ...places.map(([px, py]) => `<circle cx="${at(px)}" cy="${at(py)}" r="3.2" fill="${color}"/>`),
  ];
}

/** Names beside the plot, in the order of the curves' ends so that the eye finds them. */
function legend(series: readonly Series[]): string[] {
  const order = [...series.keys()].sort((a, b) => lastOf(series[b]) - lastOf(series[a]));
  return order.flatMap((i, row) => {
    const color = COLORS[i % COLORS.length] as string;
    const dash = DASHES[i % DASHES.length] as string;
    const py = PLOT.top + 12 + row * 22;
    const stroke = `<line x1="576" y1="${py}" x2="604" y2="${py}" stroke="${color}" stroke-width="2" stroke-dasharray="${dash}"/>`;
    return [stroke, `<circle cx="590" cy="${py}" r="3.2" fill="${color}"/>`, label(612, py + 4, series[i]?.name ?? "")];
  });
}

const lastOf = (series: Series | undefined): number => series?.points.at(-1)?.[1] ?? 0;

/** Curves on two logarithmic axes as an SVG document on a light ground. At least one point. */
export function logLogChart(chart: Chart): string {
  const points = chart.series.flatMap((each) => each.points);
  const x = axisOf(
    points.map(([value]) => value),
    PLOT.left,
    PLOT.right,
  );
  const y = axisOf(
    points.map(([, value]) => value),
    PLOT.bottom,
    PLOT.top,
  );
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<title>${escapeXML(chart.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    label(PLOT.left, 26, chart.title, ' font-weight="bold"'),
    ...axes(x, y, chart),
    ...chart.series.flatMap((each, i) => curve(each, i, x, y)),
    ...legend(chart.series),
    "</svg>",
  ].join("\n")}\n`;
}
