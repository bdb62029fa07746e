'use strict';
// The head of the page, and the tables of config and environment at its end.

const MOODS = { finished: 'good', running: 'good', failed: 'bad', killed: 'bad', interrupted: 'warn', waiting: '', unknown: 'warn' };
const WAYS = { killed: 'killed', unknown: 'end unknown', waiting: 'not begun' };
const TILES_OF_BENCHMARKS = 4;

const statusPill = (story) => el('span', { class: `pill ${MOODS[story.status] ?? ''}` }, WAYS[story.status] ?? story.status);
const between = (point) => (point.half == null ? percent(point.mean) : `${percent(point.mean)} ± ${(100 * point.half).toFixed(1)}`);
const measuredTwice = (one) => one.before.step !== one.after.step;

function verb(change) {
  return Math.abs(change) < 0.0005 ? 'stayed at' : change > 0 ? 'rose from' : 'fell from';
}

// Text with **strong** parts, as nodes.
const emphasised = (parts) => parts.map((part) => (Array.isArray(part) ? el('b', {}, part[0]) : part));

function outcomeSentence(story) {
  const { reward } = story;
  const one = story.accuracy.length === 1 ? story.accuracy[0] : null;
  if (one && measuredTwice(one)) {
    const change = one.after.mean - one.before.mean;
    return [`Avg@${one.samples} on ${one.name} ${verb(change)} `, [percent(one.before.mean)], ' to ', [percent(one.after.mean)], ` (${points(change)}). `];
  }
  if (story.accuracy.length > 1) {
    const mean = (name) => story.accuracy.reduce((sum, { [name]: point }) => sum + point.mean, 0) / story.accuracy.length;
    const change = mean('after') - mean('before');
    return [`The mean accuracy on ${story.accuracy.length} benchmarks ${verb(change)} `, [percent(mean('before'))], ' to ', [percent(mean('after'))], ` (${points(change)}). `];
  }
  if (!reward) return [];
  const change = reward.after - reward.before;
  return [`The mean reward ${verb(change)} `, [short(reward.before)], ' to ', [short(reward.after)], '. '];
}

function lead(story) {
  const planned = story.planned && story.planned !== story.steps ? ` of ${whole(story.planned)}` : '';
  const attempts = story.attempts > 1 ? `, in ${story.attempts} attempts` : '';
  return emphasised([
    [story.method], story.settings.length ? ` (${story.settings.join(', ')}) trained ` : ' trained ', [story.model], ' on ', [story.data],
    ` for ${whole(story.steps)}${planned} steps${story.batch ? ` of ${story.batch}` : ''}. `, ...outcomeSentence(story),
    ...(story.time ? [`It took ${story.time}${attempts}${story.machine ? ` on ${story.machine}` : ''}. `] : []), story.ending,
  ]);
}

function sparkline(series, metric) {
  const known = series.steps.map((step, place) => [step, series.get(metric)[place]]).filter(([, value]) => value != null);
  if (known.length < 3) return null;
  const smooth = smoothed(known.map(([, value]) => value), known.length > 60 ? 0.9 : 0);
  const [low, high] = [Math.min(...smooth), Math.max(...smooth)];
  const [first, last] = [known[0][0], known.at(-1)[0]];
  const path = known.map(([step], place) => {
    const x = (100 * (step - first)) / (last - first || 1);
    const y = 30 - (28 * (smooth[place] - low)) / (high - low || 1);
    return `${place ? 'L' : 'M'}${x.toFixed(2)} ${y.toFixed(2)}`;
  });
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 100 32');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(space, 'path');
  for (const [name, value] of Object.entries({ d: path.join(''), fill: 'none', stroke: 'var(--c0)', 'stroke-width': 1.8, 'vector-effect': 'non-scaling-stroke', 'stroke-linejoin': 'round' })) line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

function tile(label, value, detail, picture) {
  return el('div', { class: 'tile' }, el('span', { class: 'label' }, label), el('span', { class: 'value' }, value), detail && el('span', { class: 'detail' }, detail), picture);
}

function tilesOf(run) {
  const { story } = run;
  const tiles = story.accuracy.slice(0, TILES_OF_BENCHMARKS).map((one) => tile(
    `${readable(one.name)}, Avg@${one.samples}`, [percent(one.after.mean), one.after.half != null && el('small', {}, ` ± ${(100 * one.after.half).toFixed(1)}`)],
    measuredTwice(one) ? `from ${between(one.before)}` : `measured once, after step ${one.after.step}`,
    sparkline(run.series, `val-core/${one.name}/acc/mean@${one.samples}`)));
  if (story.reward) {
    const { window } = story.reward;
    tiles.push(tile(window > 1 ? `Reward, last ${window} steps` : 'Reward, last step', short(story.reward.after), `first${window > 1 ? ` ${window}` : ''}: ${short(story.reward.before)}`, sparkline(run.series, 'critic/score/mean')));
  }
  tiles.push(tile('Steps', whole(story.steps), story.planned && (story.planned === story.steps ? 'as planned' : `of ${whole(story.planned)}`)));
  if (story.time) tiles.push(tile('Time', story.time, story.tokens ? `${compact(story.tokens)} tokens trained on` : null));
  return el('div', { class: 'tiles' }, tiles);
}

function boxes(run, several) {
  const { story } = run;
  const named = (words) => (several ? `${run.name}: ${words}` : words[0].toUpperCase() + words.slice(1));
  const found = [];
  if (story.cause.length) {
    found.push(el('div', { class: 'notice bad' }, el('b', {}, named('the log says first')), el('pre', {}, story.cause.join('\n'))));
  }
  for (const alarm of story.alarms) {
    const steps = alarm.first === alarm.last ? `step ${alarm.first}` : `steps ${alarm.first} to ${alarm.last}`;
    found.push(el('div', { class: 'notice warn' }, el('b', {}, `${named(alarm.name)}, ${steps}. `), `${alarm.sentence} `, el('small', {}, `docs/metrics.md#${alarm.anchor}`)));
  }
  if (story.notes.length) {
    found.push(el('div', { class: 'notice' }, el('b', {}, named('about the data')), el('ul', {}, story.notes.map((note) => el('li', {}, note)))));
  }
  return found;
}

const sharedSettings = (runs) => runs[0].story.settings.filter((one) => runs.every(({ story }) => story.settings.includes(one)));

function comparisonTable(runs) {
  const benchmarks = [...new Map(runs.flatMap(({ story }) => story.accuracy.map((one) => [`${one.name}@${one.samples}`, one]))).values()];
  const cell = (one) => (one && measuredTwice(one)
    ? el('td', { class: 'number' }, between(one.after), el('small', {}, `${points(one.after.mean - one.before.mean)}`))
    : el('td', { class: 'number' }, one ? between(one.after) : '–'));
  const shared = sharedSettings(runs);
  const rows = runs.map((run) => {
    const { story } = run;
    return el('tr', {},
      el('th', { scope: 'row' }, el('i', { class: 'dot', style: `--colour: var(--c${run.number % RUN_COLOURS})` }), run.name,
        el('small', {}, [story.method, ...story.settings.filter((one) => !shared.includes(one))].join(', '))),
      el('td', {}, statusPill(story)),
      ...benchmarks.map((one) => cell(story.accuracy.find(({ name, samples }) => name === one.name && samples === one.samples))),
      el('td', { class: 'number' }, story.reward ? [short(story.reward.after), el('small', {}, `from ${short(story.reward.before)}`)] : '–'),
      el('td', { class: 'number' }, whole(story.steps), story.planned && story.planned !== story.steps ? el('small', {}, `of ${whole(story.planned)}`) : null),
      el('td', { class: 'number' }, story.time || '–'));
  });
  const heads = ['Run', 'State', ...benchmarks.map((one) => `${readable(one.name)}, Avg@${one.samples}`), 'Reward', 'Steps', 'Time'];
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Comparison of the runs' }, el('table', { class: 'runs-table' },
    el('thead', {}, el('tr', {}, heads.map((head, place) => el('th', { scope: 'col', class: place > 1 ? 'number' : null }, head)))), el('tbody', {}, rows)));
}

function same(runs, key) {
  const values = new Set(runs.map(({ story }) => story[key]));
  return values.size === 1 ? [...values][0] : null;
}

function showSummary(runs) {
  const [run] = runs;
  const parts = [];
  if (runs.length === 1) {
    const { story } = run;
    parts.push(el('p', { class: 'eyebrow' }, `${story.method} · ${story.model} · ${story.data}`),
      el('div', { class: 'title' }, el('h1', {}, run.name), statusPill(story)));
    if (story.steps || story.status !== 'waiting') parts.push(el('p', { class: 'lead' }, lead(story)), tilesOf(run));
    else parts.push(el('p', { class: 'lead' }, `${story.ending} This page shows it as soon as it does.`));
  } else {
    parts.push(el('p', { class: 'eyebrow' }, [same(runs, 'model'), same(runs, 'data'), same(runs, 'batch'), ...sharedSettings(runs)].filter(Boolean).join(' · ')),
      el('div', { class: 'title' }, el('h1', {}, `${runs.length} runs side by side`)), comparisonTable(runs),
      el('p', { class: 'count' }, runs.some(({ story }) => story.accuracy.some((one) => one.after.half != null)) ? 'Small print: the change since the first validation. ± is half a 95 % interval over the problems.' : ''));
  }
  const found = runs.flatMap((one) => boxes(one, runs.length > 1));
  if (found.length) parts.push(el('div', { class: 'boxes' }, found));
  $('summary').replaceChildren(...parts);
}

function settingsGroup(group, runs, only, searched) {
  const differs = (row) => row.slice(2).some((value) => value !== row[1]);
  const rows = group.rows.filter((row) => (!only || differs(row)) && (!searched || row.some((value) => value?.toLowerCase().includes(searched))));
  if (!rows.length) return null;
  const broken = (key) => key.split('.').flatMap((part, place) => (place ? ['.', el('wbr'), part] : [part]));
  const kind = (value, first) => [value === first ? '' : 'differs', value == null ? 'none' : ''].join(' ').trim() || null;
  const body = rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, broken(row[0])),
    row.slice(1).map((value) => el('td', { class: kind(value, row[1]) }, value ?? 'not set'))));
  const heads = runs.length > 1 && el('thead', {}, el('tr', {}, el('th', {}, ''), runs.map((run) => el('th', { scope: 'col' }, el('i', { class: 'dot', style: `--colour: var(--c${run.number % RUN_COLOURS})` }), run.name))));
  return el('details', { open: group.title !== 'Config' || only || Boolean(searched) },
    el('summary', {}, group.title, el('small', {}, plural(rows.length, only ? 'difference' : 'value'))),
    el('div', { class: 'scroll', tabindex: 0 }, el('table', { class: 'settings-table' }, heads, el('tbody', {}, body))));
}

function showSettings(groups, runs) {
  const only = runs.length > 1 && $('differences').checked;
  const searched = $('find-setting').value.trim().toLowerCase();
  const found = groups.map((group) => settingsGroup(group, runs, only, searched)).filter(Boolean);
  $('setting-tables').replaceChildren(...(found.length ? found : [el('p', { class: 'about' }, searched ? 'Nothing matches.' : only ? 'The runs do not differ.' : 'Neither config nor environment is recorded.')]));
}
