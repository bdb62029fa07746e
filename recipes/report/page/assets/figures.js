'use strict';
// From the list of charts to cards with plots. A chart without data gets no card.

// In the order in which they are stacked.
const STATUS_COLOURS = { ok: 'c2', wrong: 'c6', truncated: 'c3', no_answer: 'c4', unparsable: 'c5', timeout: 'c1', crashed: 'c0' };
const PHASE_COLOURS = { gen: 'c0', reward: 'c3', 'old log prob': 'c5', ref: 'c7', adv: 'c7', 'update actor': 'c2', 'update weights': 'c4', testing: 'c1', 'save checkpoint': 'c3', other: 'c6' };
const MOST_BARS = 80;
const HALF_INTERVAL = 1.96; // standard errors
const RARE_POINTS = 40; // fewer are shown as dots too

const readable = (name) => name.replaceAll('_', ' ');

// [{ metric, label }] of a chart over all runs: patterns become the metrics that match them.
function seriesOf(chart, runs) {
  const found = new Map();
  for (const [metric, label] of chart.series) {
    for (const run of runs) {
      for (const name of run.series.names(metric)) {
        if (chart.quiet && run.series.get(name).every((value) => !value)) continue;
        found.set(name, label || readable(name.match(metric)?.[1] ?? name));
      }
    }
  }
  const order = [...Object.keys(STATUS_COLOURS).map(readable), ...Object.keys(PHASE_COLOURS)];
  const rank = ({ label }) => (order.indexOf(label) + order.length + 1) % (order.length + 1);
  const list = [...found].map(([metric, label]) => ({ metric, label }));
  return chart.form === 'area' || chart.form === 'bars' ? list.sort((a, b) => rank(a) - rank(b)) : list;
}

function lineTraces(run, metric, name, tone, faint = 0.25) {
  const values = run.series.get(metric);
  const known = values.filter((value) => value != null).length;
  const line = { color: tone, width: 1.8, dash: runDash(run.number) };
  const plain = {
    x: run.series.steps, y: values, name, type: 'scatter', mode: known > RARE_POINTS ? 'lines' : 'lines+markers',
    connectgaps: known < run.series.steps.length, line, marker: { size: 4.5, color: tone },
  };
  if (!state.smoothing || known < 3) return [plain];
  return [
    { ...plain, mode: 'lines', line: { ...line, width: 1 }, opacity: faint, hoverinfo: 'skip' },
    { ...plain, mode: 'lines', y: smoothed(values, state.smoothing) },
  ];
}

function accuracyTraces(run, metric) {
  const [, source, samples] = metric.match(/^val-core\/(.+)\/acc\/mean@(\d+)$/);
  const tone = runColour(run.number);
  const errors = run.series.get(`val-aux/${source}/acc/stderr@${samples}`);
  const trace = {
    x: [], y: [], name: run.name, type: 'scatter', mode: 'lines+markers', line: { color: tone, width: 1.8, dash: runDash(run.number) },
    marker: { size: 6, color: tone }, error_y: { type: 'data', array: [], color: tone, thickness: 1.1, width: 3 },
  };
  run.series.get(metric).forEach((value, place) => {
    if (value == null) return;
    trace.x.push(run.series.steps[place]);
    trace.y.push(value);
    trace.error_y.array.push(HALF_INTERVAL * (errors[place] ?? 0));
  });
  return [trace];
}

function bandTraces(run, chart) {
  const tone = runColour(run.number);
  const at = (name) => run.series.get(`actor/ratio_quantile/${name}`);
  const line = (name, label, style, fill) => ({
    x: run.series.steps, y: at(name), name: label, type: 'scatter', mode: 'lines', connectgaps: true, ...style,
    ...(fill ? { fill: 'tonexty', fillcolor: faded(tone, fill) } : {}),
  });
  const none = { line: { width: 0 } };
  const dotted = { line: { width: 1, dash: 'dot', color: tone } };
  return [
    line('q999', '99.9 %', dotted), line('q99', '99 %', none), line('q01', '1 %', none, 0.16), line('q90', '90 %', none),
    line('q10', '10 %', none, 0.28), line('q001', '0.1 %', dotted), line('q50', 'median', { line: { width: 2, color: tone } }),
  ].filter((trace) => trace.y.length && trace.y.some((value) => value != null));
}

const toneName = (label, place) => STATUS_COLOURS[label.replaceAll(' ', '_')] ?? PHASE_COLOURS[label] ?? `c${place % RUN_COLOURS}`;
const toneOf = (label, place) => colour(toneName(label, place));

// The steps that hold any of these metrics, and the values there; a validation before training holds none.
function known(run, series) {
  const places = run.series.steps.map((_, place) => place).filter((place) => series.some(({ metric }) => run.series.get(metric)[place] != null));
  const pick = (values) => places.map((place) => values[place] ?? null);
  return { steps: pick(run.series.steps), get: (metric) => pick(run.series.get(metric)) };
}

function areaTraces(run, series) {
  const { steps, get } = known(run, series);
  return series.map(({ metric, label }, place) => ({
    x: steps, y: get(metric), name: label, type: 'scatter', mode: 'lines', stackgroup: 'one', connectgaps: true,
    line: { width: 0.5, color: toneOf(label, place) }, fillcolor: faded(toneOf(label, place), 0.75),
  }));
}

// Means over neighbouring steps, so that there are at most MOST_BARS bars.
function binned(steps, values) {
  const size = Math.max(1, Math.ceil(steps.length / MOST_BARS));
  const bins = { x: [], y: [], size };
  for (let from = 0; from < steps.length; from += size) {
    const part = values.slice(from, from + size).filter((value) => value != null);
    bins.x.push(steps[Math.min(from + Math.floor(size / 2), steps.length - 1)]);
    bins.y.push(part.length ? part.reduce((sum, value) => sum + value, 0) / Math.min(size, steps.length - from) : 0);
  }
  return bins;
}

// Seconds per phase; "other" is what no phase of the step accounts for.
function barTraces(run, series) {
  const { steps, get } = known(run, series);
  const parts = series.filter(({ label }) => label !== 'other').map(({ metric }) => get(metric));
  const rest = (value, place) => (value == null ? null : Math.max(0, parts.reduce((left, part) => left - (part[place] ?? 0), value)));
  return series.map(({ metric, label }, place) => ({
    ...binned(steps, label === 'other' ? get(metric).map(rest) : get(metric)), name: label, type: 'bar',
    marker: { color: toneOf(label, place), line: { width: 0 } }, hovertemplate: '%{y:.3~g} s',
  }));
}

// The whole step is no part of itself: it stands for what its parts leave over.
function phases(series, run) {
  const of = ({ metric }) => run.series.get(metric);
  const step = series.find(({ label }) => label === 'step');
  const parts = series.filter((one) => one !== step && of(one).some((value) => value > 0));
  return step && of(step).length ? [...parts, { ...step, label: 'other' }] : parts;
}

function yAxis(chart) {
  return {
    // Rates and divergences read 2e-4, not 200µ; tokens per second 20k.
    exponentformat: chart.section === 'Policy' ? 'e' : 'SI',
    tickformat: chart.percent ? '.3~p' : undefined, hoverformat: chart.percent ? '.2%' : '.4~g',
    ...(chart.log ? { type: 'log', nticks: 4, exponentformat: 'none', minorloglabels: 'complete' } : {}),
    ...(chart.percent ? { rangemode: 'nonnegative' } : {}), // a share that is always 0 has no axis down to −100 %
    ...(chart.form === 'area' ? { range: [0, 1] } : {}),
    ...(chart.form === 'bars' ? { rangemode: 'tozero' } : {}),
  };
}

function keys(entries = []) {
  return entries.length > 0 && el('ul', { class: 'keys' }, entries.map(([label, tone, kind]) => el('li', { class: kind, style: `--colour: var(--${tone})` }, label)));
}

// [{ title, run, traces, keys }], one per plot of the card.
function cellsOf(chart, runs) {
  const shown = () => runs.filter((run) => !state.hidden.has(run.number));
  const series = seriesOf(chart, runs);
  const faint = runs.length > 2 ? 0.13 : 0.25; // of the unsmoothed lines
  const has = (run, list) => list.some(({ metric }) => run.series.get(metric).some((value) => value != null));
  if (!series.length || !runs.some((run) => has(run, series))) return [];
  const perRun = { band: bandTraces, area: areaTraces, bars: barTraces }[chart.form];
  if (perRun) {
    return runs.filter((run) => has(run, series)).map((run) => {
      const own = chart.form === 'bars' ? phases(series, run) : series.filter(({ metric }) => run.series.get(metric).some((value) => value > 0));
      const labels = chart.form === 'band' ? [] : own.map(({ label }, place) => [label, toneName(label, place)]);
      return { title: runs.length > 1 ? run.name : '', run, traces: () => perRun(run, own), keys: labels };
    });
  }
  if (chart.form === 'accuracy') {
    return series.map(({ metric, label }) => ({
      title: `${label} · Avg@${metric.match(/@(\d+)$/)[1]}`, traces: () => shown().flatMap((run) => accuracyTraces(run, metric)),
    }));
  }
  if (!chart.split && (runs.length === 1 || series.length === 1)) {
    const several = series.length > 1;
    return [{
      title: '', keys: several ? series.map(({ label }, place) => [label, `c${place}`, 'line']) : [],
      traces: () => shown().flatMap((run) => series.flatMap(({ metric, label }, place) => (
        lineTraces(run, metric, several ? label : run.name, several ? colour(`c${place}`) : runColour(run.number), faint)))),
    }];
  }
  const highest = Math.max(...runs.flatMap((run) => series.flatMap(({ metric }) => run.series.get(metric).filter((value) => value != null))));
  return series.map(({ metric, label }) => ({
    title: label, range: chart.split ? [0, 1.08 * highest] : undefined,
    traces: () => shown().flatMap((run) => lineTraces(run, metric, run.name, runColour(run.number), faint)),
  }));
}

// So many cards side by side that the last row is nearly full.
const columnsFor = (cards) => (cards <= 4 ? cards : cards % 3 === 0 || cards % 4 === 1 || cards % 4 === 2 ? 3 : 4);

function chartCard(chart, runs) {
  const cells = cellsOf(chart, runs);
  if (!cells.length) return null;
  const wide = cells.length > 1;
  const card = el('figure', { class: wide ? 'card wide' : 'card', id: `chart-${chart.id}` },
    el('h3', {}, chart.title), el('p', { class: 'unit' }, chart.unit), cells.length === 1 && keys(cells[0].keys));
  const grid = el('div', { class: 'cells', style: `--columns: ${columnsFor(cells.length)}` });
  for (const cell of cells) {
    const node = el('div', { class: 'plot', role: 'img', 'aria-label': `${chart.title}${cell.title ? `, ${cell.title}` : ''}: ${chart.unit} over training steps` });
    grid.append(el('div', { class: 'cell' },
      cell.title && el('h4', {}, cell.run && el('i', { class: 'dot', style: `--colour: var(--c${cell.run.number % RUN_COLOURS})` }), cell.title),
      cells.length > 1 && keys(cell.keys), node));
    const layout = () => baseLayout({
      yaxis: { ...yAxis(chart), ...(cell.range ? { range: cell.range } : {}) },
      ...(chart.form === 'bars' ? { barmode: 'stack', bargap: 0.12 } : {}),
    });
    addPlot(node, cell.traces, layout);
  }
  card.append(grid);
  if (chart.note) card.append(el('p', { class: 'note' }, chart.note));
  return card;
}

function showCharts(charts, runs) {
  forgetPlots();
  const sections = new Map();
  for (const chart of charts) {
    const card = chartCard(chart, runs);
    if (!card) continue;
    if (!sections.has(chart.section)) sections.set(chart.section, el('div', { class: 'grid' }));
    sections.get(chart.section).append(card);
  }
  for (const grid of sections.values()) {
    const narrow = grid.querySelectorAll(':scope > :not(.wide)').length;
    grid.style.setProperty('--columns', columnsFor(narrow));
    grid.classList.toggle('lone', narrow === 1);
  }
  const parts = [...sections].flatMap(([name, grid]) => [el('h3', { class: 'section-name' }, name), grid]);
  $('charts').replaceChildren(...(parts.length ? parts : [el('p', { class: 'about' }, 'No curves yet: no step has been logged.')]));
  $('curve-tools').hidden = !parts.length;
}
