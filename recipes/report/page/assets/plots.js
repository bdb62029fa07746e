'use strict';
// What all plots share: colours, the x axis, smoothing, and drawing only what is in sight.

const RUN_COLOURS = 8;
const state = { smoothing: 0, range: null, hidden: new Set() };
const plots = []; // { node, traces, layout, steps (shares the x axis), dirty, visible }
const touch = matchMedia('(pointer: coarse)').matches;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

const runColour = (run) => colour(`c${run % RUN_COLOURS}`);
const runDash = (run) => (run < RUN_COLOURS ? 'solid' : 'dash');

function faded(hex, alpha) {
  const [red, green, blue] = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
  return `rgba(${red},${green},${blue},${alpha})`;
}

// Exponential moving average that starts unbiased; gaps are passed over.
function smoothed(values, weight) {
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value == null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

function baseLayout(extra = {}) {
  const line = colour('line');
  const axis = { gridcolor: line, zeroline: false, linecolor: line, tickcolor: line, ticks: '', fixedrange: touch };
  const { xaxis, yaxis, ...rest } = extra;
  return {
    autosize: true, showlegend: false, hovermode: 'x unified', dragmode: touch ? false : 'zoom', uirevision: 'kept',
    margin: { l: 8, r: 12, t: 10, b: 8 }, paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour('soft') },
    hoverlabel: { bgcolor: colour('card'), bordercolor: line, font: { color: colour('ink'), size: 12 } },
    xaxis: {
      ...axis, showgrid: false, showline: true, ticks: 'outside', ticklen: 4, nticks: 6, automargin: true,
      title: { text: 'training step', font: { size: 11 }, standoff: 6 }, ...xaxis,
    },
    yaxis: { ...axis, nticks: 5, automargin: true, fixedrange: true, ...yaxis },
    ...rest,
  };
}

function draw(plot) {
  plot.dirty = false;
  const layout = plot.layout();
  if (plot.steps && state.range) layout.xaxis = { ...layout.xaxis, range: [...state.range], autorange: false };
  const first = !plot.node.classList.contains('js-plotly-plot');
  Plotly.react(plot.node, plot.traces(), layout, { displayModeBar: false, responsive: true, doubleClick: 'autosize' });
  if (first && plot.steps) plot.node.on('plotly_relayout', (change) => follow(plot, change));
}

// All plots over steps show the same stretch of the run.
function follow(source, change) {
  if (state.following) return;
  if (change['xaxis.autorange']) state.range = null;
  else if (change['xaxis.range']) state.range = [...change['xaxis.range']];
  else if ('xaxis.range[0]' in change) state.range = [change['xaxis.range[0]'], change['xaxis.range[1]']];
  else return;
  showRange(source);
}

async function showRange(source) {
  state.following = true;
  const update = state.range ? { 'xaxis.range': [...state.range], 'xaxis.autorange': false } : { 'xaxis.autorange': true };
  const others = plots.filter((plot) => plot !== source && plot.steps && plot.node.classList.contains('js-plotly-plot'));
  await Promise.all(others.map((plot) => Plotly.relayout(plot.node, { ...update })));
  state.following = false;
}

const watcher = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    const plot = plots.find(({ node }) => node === target);
    if (!plot) continue;
    plot.visible = isIntersecting;
    if (isIntersecting && plot.dirty) draw(plot);
  }
}, { rootMargin: '300px' });

function addPlot(node, traces, layout, steps = true) {
  plots.push({ node, traces, layout, steps, dirty: true, visible: false });
  watcher.observe(node);
}

function forgetPlots() {
  for (const plot of plots.splice(0)) {
    watcher.unobserve(plot.node);
    if (plot.node.classList.contains('js-plotly-plot')) Plotly.purge(plot.node);
  }
}

function redraw(all = false) {
  for (const plot of plots) {
    plot.dirty = true;
    if (plot.visible || all) draw(plot);
  }
}
