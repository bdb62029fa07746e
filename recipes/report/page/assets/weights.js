'use strict';
// The gradient weight of each run's method over the ratio, and below it where the run's tokens stood.

const DECADES = 6; // of the density of ratios; what is rarer is chance

// Density of the response tokens over log r, mean over the run; null without the metric. Bins differ in width, so that
// shares alone would mislead; the two that are open have no width and are left out.
function ratioHistogram(run, edges) {
  const bins = run.series.names('^actor/ratio_share/bin_\\d+$').sort();
  if (!edges.length || bins.length !== edges.length + 1) return null;
  const mean = (name) => {
    const known = run.series.get(name).filter((value) => value != null);
    return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : 0;
  };
  const logs = edges.map(Math.log);
  const inner = bins.slice(1, -1).map((name, place) => ({ share: mean(name), from: logs[place], to: logs[place + 1] }));
  return {
    x: inner.map(({ from, to }) => (from + to) / 2), width: inner.map(({ from, to }) => to - from),
    y: inner.map(({ share, from, to }) => share / (to - from) || null),
    text: inner.map(({ share, from, to }) => `${short(100 * share)}\u202f% of tokens<br>r from ${short(Math.exp(from))} to ${short(Math.exp(to))}`),
  };
}

function weightTraces(run, histogram) {
  const { weight } = run;
  const ratios = weight.log_ratio.map((value) => Math.exp(value).toPrecision(3));
  const curve = (y, name, tone, dash) => ({
    x: weight.log_ratio, y, name, type: 'scatter', mode: 'lines', line: { color: tone, width: 2.2, dash }, customdata: ratios,
    hovertemplate: 'w = %{y:.3f} at r = %{customdata}', xaxis: 'x', yaxis: 'y',
  });
  const plain = { ...curve(weight.log_ratio.map(Math.exp), 'w = r', colour('faint'), 'dot'), hoverinfo: 'skip', hovertemplate: undefined };
  plain.line = { color: colour('faint'), width: 1, dash: 'dot' };
  const traces = [plain, curve(weight.positive, 'Â > 0', colour('c0'), 'solid'), curve(weight.negative, 'Â < 0', colour('c1'), '6px,3px')];
  if (histogram) {
    traces.push({
      ...histogram, type: 'bar', name: 'tokens', marker: { color: faded(colour('c6'), 0.75), line: { width: 0 } }, xaxis: 'x', yaxis: 'y2',
      hovertemplate: '%{text}', textposition: 'none',
    });
  }
  return traces;
}

function weightLayout(run, histogram, node) {
  const marks = node.clientWidth < 500 ? [0.25, 0.5, 1, 2, 4] : [0.25, 0.5, 0.8, 1, 1.25, 2, 4];
  const layout = baseLayout({
    hovermode: 'closest', bargap: 0,
    xaxis: {
      range: [-Math.log(4), Math.log(4)], tickvals: marks.map(Math.log), ticktext: marks.map((mark) => ({ 0.25: '¼', 0.5: '½' }[mark] ?? String(mark))), showgrid: true,
      title: { text: 'ratio r, logarithmic', font: { size: 11 }, standoff: 6 }, anchor: histogram ? 'y2' : 'y',
    },
    yaxis: { domain: histogram ? [0.42, 1] : [0, 1], range: [-0.08, 3.25], title: { text: 'weight w', font: { size: 11 }, standoff: 6 } },
  });
  if (histogram) {
    const highest = Math.log10(Math.max(...histogram.y, 1e-9));
    layout.yaxis2 = {
      ...layout.yaxis, domain: [0, 0.32], range: [highest - DECADES, highest + 0.2], type: 'log', tickformat: '~g', nticks: 4, exponentformat: 'none', title: { text: 'density', font: { size: 11 }, standoff: 6 },
    };
  }
  if (run.weight.region) {
    layout.shapes = [{ type: 'rect', xref: 'x', yref: 'paper', x0: run.weight.region[0], x1: run.weight.region[1], y0: 0, y1: 1, line: { width: 0 }, fillcolor: faded(colour('c6'), 0.12), layer: 'below' }];
  }
  return layout;
}

function showWeights(runs, edges) {
  const drawn = runs.filter((run) => run.weight);
  $('weight').hidden = !drawn.length;
  document.querySelector('nav a[href="#weight"]').hidden = !drawn.length;
  $('weights').replaceChildren(...drawn.map((run) => {
    const histogram = ratioHistogram(run, edges);
    const node = el('div', { class: 'plot tall', role: 'img', 'aria-label': `Gradient weight of ${run.story.method} against the ratio` });
    addPlot(node, () => weightTraces(run, ratioHistogram(run, edges)), () => weightLayout(run, histogram, node), false);
    return el('figure', { class: drawn.length === 1 ? 'card wide' : 'card' },
      el('h3', {}, runs.length > 1 && el('i', { class: 'dot', style: `--colour: var(--c${run.number % RUN_COLOURS})` }), runs.length > 1 ? `${run.name}: ${run.story.method}` : run.story.method),
      el('p', { class: 'unit' }, run.story.settings.join(', ')),
      keys([['Â > 0', 'c0', 'line'], ['Â < 0', 'c1', 'line dashed'], ...(histogram ? [['density of tokens over log r', 'c6', '']] : [])]),
      node, el('p', { class: 'note' }, `Dotted: w = r. A token of probability ${run.weight.probability} under π_old.`));
  }));
}
