"""The figures of bench_cost as bars: a plain SVG that can be read on dark and on light ground."""

from xml.sax.saxutils import escape

MODES = ["DR", "NAT", "TUN", "FNAT"]
KATRAN = "Katran, TUN, scaled"
WIDTH, HEIGHT = 960, 420
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 56, 40
BAR, GAP = 22, 3
STYLE = """
    text { font: 12px sans-serif; fill: #1f2328 }
    .small { font-size: 10px; text-anchor: middle }
    .middle { text-anchor: middle }
    .end { text-anchor: end }
    .grid { stroke: #d0d7de }
    .floor { stroke: #b35900; stroke-dasharray: 5 4 }
    .s0 { fill: #0969da } .s1 { fill: #1a7f37 } .s2 { fill: #8250df } .s3 { fill: #bf3989 } .s4 { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .grid { stroke: #30363d }
      .floor { stroke: #ffa657 }
      .s0 { fill: #58a6ff } .s1 { fill: #3fb950 } .s2 { fill: #bc8cff } .s3 { fill: #f778ba } .s4 { fill: #8b949e }
    }
"""


def series_of(figures, columns):
    """For each column the bars: (series' number, name, ns)."""
    cells = {(row["kind"], row["flows"], row["mode"]): row for row in figures["rows"]
             if row["family"] == 4 and not row["answer"] and not row["tells"]}
    for column in columns:
        found = [(number, mode, cells[(*column, mode)]) for number, mode in enumerate(MODES) if (*column, mode) in cells]
        bars = [(number, mode, row["best"]) for number, mode, row in found]
        scaled = [row["scaled"] for _, _, row in found if "scaled" in row]
        yield column, bars + [(len(MODES), KATRAN, each) for each in scaled[:1]]


def step_of(highest):
    """The distance of grid lines, so that there are at most ten."""
    return next(step for power in range(1, 12) for step in (10 ** power, 2 * 10 ** power, 5 * 10 ** power) if highest / step <= 10)


class Canvas:
    def __init__(self, highest):
        self.step = step_of(highest)
        self.top = (int(highest // self.step) + 1) * self.step
        self.lines = []

    def y(self, value):
        return round(HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM), 1)

    def text(self, x, y, words, style=""):
        self.lines.append(f'<text x="{x:g}" y="{y:g}"{f" class={chr(34)}{style}{chr(34)}" if style else ""}>{escape(words)}</text>')

    def line(self, y, style, title):
        self.lines.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="{style}"><title>{escape(title)}</title></line>')

    def bar(self, x, value, number, title):
        top = self.y(value)
        self.lines.append(f'<rect x="{x:g}" y="{top}" width="{BAR}" height="{self.y(0) - top:.1f}" class="s{number}">'
                          f"<title>{escape(title)}</title></rect>")
        self.text(x + BAR / 2, top - 3, f"{value:.0f}", "small")

    def grid(self):
        for value in range(0, self.top + 1, self.step):
            self.line(self.y(value), "grid", f"{value} ns")
            self.text(LEFT - 6, self.y(value) + 4, str(value), "end")

    def legend(self):
        for number, name in enumerate([*MODES, KATRAN]):
            x = LEFT + number * 90
            self.lines.append(f'<rect x="{x}" y="32" width="12" height="12" class="s{number}"/>')
            self.text(x + 17, 42, name)


def draw(figures, columns, head):
    """SVG of the IPv4 medians: a group for each column, a bar for each mode and one for Katran, and the floor as a line."""
    groups = list(series_of(figures, columns))
    canvas = Canvas(max((value for _, bars in groups for _, _, value in bars), default=10))
    canvas.grid()
    canvas.legend()
    width = (WIDTH - LEFT - RIGHT) / len(columns)
    for place, (column, bars) in enumerate(groups):
        middle = LEFT + width * (place + 0.5)
        start = middle - (len(bars) * (BAR + GAP) - GAP) / 2
        for position, (number, name, value) in enumerate(bars):
            canvas.bar(start + position * (BAR + GAP), value, number, f"{name}, {head(column)}: {value:.0f} ns")
        canvas.text(middle, HEIGHT - BOTTOM + 18, head(column), "middle")
    floor = figures["mac_swap"]["best"]
    canvas.line(canvas.y(floor), "floor", f"bare MAC swap: {floor:.1f} ns")
    canvas.text(LEFT, 18, f"ns a packet, IPv4, best of the runs; dashed: the floor, a bare MAC swap ({floor:.1f} ns)")
    title = "What a packet costs in Ballast's XDP program, beside Katran scaled by the floor"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n<title>{escape(title)}</title>\n'
            f"<style>{STYLE}</style>\n" + "\n".join(canvas.lines) + "\n</svg>\n")
