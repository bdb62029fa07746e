'use strict';
// Starts the page, switches its colours, and in live mode asks for what is new.

function remember(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`run-report-${name}`);
    localStorage.setItem(`run-report-${name}`, value);
  } catch { /* a browser may forbid it; then nothing is remembered */ }
  return null;
}

function startTheme() {
  const system = matchMedia('(prefers-color-scheme: dark)');
  const radios = [...document.querySelectorAll('input[name="theme"]')];
  const chosen = () => radios.find(({ checked }) => checked).value;
  const apply = () => {
    const theme = chosen() === 'auto' ? (system.matches ? 'dark' : 'light') : chosen();
    if (document.documentElement.dataset.theme === theme) return;
    document.documentElement.dataset.theme = theme;
    redraw();
  };
  const before = radios.find(({ value }) => value === remember('theme'));
  if (before) before.checked = true;
  for (const radio of radios) radio.addEventListener('change', () => { remember('theme', chosen()); apply(); });
  system.addEventListener('change', apply);
  apply();
}

function startCurves(runs) {
  const longest = Math.max(...runs.map(({ series }) => series.steps.length));
  const slider = $('smoothing');
  const say = () => {
    // The slider moves the window, 1/(1 − weight), from 1 to 100 steps.
    const steps = Math.round(100 ** (slider.value / 100));
    state.smoothing = 1 - 1 / steps;
    $('smoothing-says').textContent = steps === 1 ? 'none' : `over ${steps} steps`;
    slider.setAttribute('aria-valuetext', $('smoothing-says').textContent);
  };
  slider.value = longest < 30 ? 0 : longest < 300 ? 35 : 60;
  say();
  slider.addEventListener('input', () => { say(); redraw(); });
  $('whole').addEventListener('click', () => { state.range = null; showRange(null); });
  if (runs.length < 2) return;
  $('run-legend').replaceChildren(...runs.map((run) => el('button', {
    type: 'button', 'aria-pressed': 'true',
    onclick: (event) => {
      const hidden = !state.hidden.delete(run.number);
      if (hidden) state.hidden.add(run.number);
      event.currentTarget.setAttribute('aria-pressed', String(!hidden));
      redraw();
    },
  }, el('i', { class: 'dot', style: `--colour: var(--c${run.number % RUN_COLOURS})` }), run.name)));
}

function drawEverything(page) {
  showSummary(page.runs);
  showCharts(page.charts, page.runs);
  showWeights(page.runs, page.edges);
}

// What a chart can show changes when a metric appears for the first time.
const shape = (runs) => runs.map(({ series }) => Object.keys(series.columns).sort().join()).join(';');

async function applyNews(page, news) {
  const before = shape(page.runs);
  for (const [number, part] of news.runs.entries()) {
    const run = page.runs[number];
    if (part.series) run.series.append(part.series);
    if (part.story) run.story = part.story;
    for (const batch of part.batches) await store.add(number, batch);
    run.responses = part.responses;
  }
  page.live.cursor = news.cursor;
  const rows = news.runs.some(({ series }) => series);
  showSummary(page.runs);
  if (shape(page.runs) !== before) {
    showCharts(page.charts, page.runs);
    showWeights(page.runs, page.edges);
  } else if (rows) redraw();
  if (news.runs.some(({ batches }) => batches.length)) {
    fillChoices(page.runs);
    aboutResponses(page.runs);
    if (!$('reader').open) search(page.runs, table.page); // a list that is being read stays as it is
  }
}

async function ask(page) {
  const answer = await fetch(`news?cursor=${encodeURIComponent(page.live.cursor)}`, { cache: 'no-store' });
  if (answer.status === 204) return;
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  const news = await answer.json();
  if (news.reload) location.reload();
  else await applyNews(page, news);
}

async function follows(page) {
  const sign = $('live');
  sign.hidden = false;
  for (;;) {
    try {
      await ask(page);
      sign.className = 'live';
      sign.textContent = page.runs.some(({ story }) => ['running', 'waiting'].includes(story.status)) ? 'live' : 'live, the run has ended';
    } catch (problem) {
      sign.className = 'live lost';
      sign.textContent = `no answer (${problem.message})`;
    }
    await new Promise((done) => { setTimeout(done, page.live.seconds * 1000); });
  }
}

async function start() {
  const page = JSON.parse($('data').textContent);
  await Promise.all(page.runs.map(async (run, number) => {
    run.number = number;
    run.series = new Series(await unpack(run.series));
  }));
  for (const node of document.querySelectorAll('[data-runs]')) node.hidden = page.runs.length < 2;
  startCurves(page.runs);
  drawEverything(page);
  showSettings(page.settings, page.runs);
  for (const id of ['differences', 'find-setting']) $(id).addEventListener('input', () => showSettings(page.settings, page.runs));
  $('footer').textContent = `Made ${page.built.replace('T', ' ').replace('+00:00', ' UTC')} by python -m recipes.report.${typeof katex === 'undefined' ? ' Formulas are shown as source: KaTeX was not installed where this page was made.' : ''}`;
  const batches = JSON.parse($('batches').textContent);
  for (const [number, list] of batches.entries()) for (const batch of list) await store.add(number, batch);
  fillChoices(page.runs);
  aboutResponses(page.runs);
  startTable(page.runs);
  search(page.runs);
  document.documentElement.dataset.ready = 'yes';
  if (page.live) follows(page);
}

startTheme();
addEventListener('beforeprint', () => redraw(true));
start();
