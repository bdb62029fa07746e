'use strict';
// Sampled responses: filters, a paged table, and the full text of one.

const PAGE = 25;
const store = new Store();
const table = { found: [], page: 0, sort: null, falling: false, open: -1 };
const COLUMNS = [ // title, class, width, sorted by
  ['Step', 'step number', '5rem', 'step'], ['Set', 'optional', '6.5rem'], ['Outcome', '', '8rem'], ['Score', 'number optional', '5.5rem', 'score'],
  ['Tokens', 'tokens number', '6rem', 'length'], ['Answer', 'optional one-line', '9rem'], ['Expected', 'optional one-line', '9rem'], ['Problem', 'problem one-line', null],
];
const PARTS = ['training', 'validation'];
const OUTCOME_MOODS = { right: 'good', wrong: '', unscored: '' };

const outcomePill = (outcome) => el('span', { class: `pill ${OUTCOME_MOODS[outcome] ?? (/timeout|crash/.test(outcome) ? 'bad' : 'warn')}` }, readable(outcome));

function aboutResponses(runs) {
  const sentences = [];
  for (const run of runs) {
    const { shown, read, files, skipped, outcomes } = run.responses;
    const where = runs.length > 1 ? `${run.name}: ` : '';
    if (shown < read) {
      const parts = Object.entries(outcomes).sort((a, b) => b[1][1] - a[1][1]).map(([name, [kept, all]]) => `${readable(name)} ${whole(kept)} of ${whole(all)}`);
      sentences.push(`${where}${whole(shown)} of ${whole(read)} responses are here, so that this file stays small: spread evenly over steps and outcomes, which keeps rare ones (${parts.join(', ')}). Their shares are not the run's. `);
    }
    if (skipped) sentences.push(`${where}only ${whole(files)} of ${whole(files + skipped)} files of responses were read; together they are too large. `);
  }
  $('responses-about').textContent = sentences.join('') || (store.entries.length ? '' : 'This run has left no responses.');
}

function fillChoices(runs) {
  const form = $('filters');
  const counts = new Map();
  for (const { outcome } of store.entries) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const keep = (select, options) => {
    const before = select.value;
    select.replaceChildren(...options);
    select.value = [...select.options].some(({ value }) => value === before) ? before : '';
  };
  keep(form.elements.outcome, [el('option', { value: '' }, 'all'), ...[...counts].sort((a, b) => b[1] - a[1]).map(([name, count]) => el('option', { value: name }, `${readable(name)} (${whole(count)})`))]);
  keep(form.elements.run, [el('option', { value: '' }, 'all'), ...runs.map((run) => el('option', { value: run.number }, run.name))]);
  form.hidden = !store.entries.length;
}

function search(runs, page = 0) {
  const { text, outcome, part, first, last, run } = Object.fromEntries(new FormData($('filters')));
  const searched = text.trim().toLowerCase();
  const [from, to] = [first === '' ? -Infinity : Number(first), last === '' ? Infinity : Number(last)];
  table.found = store.entries.filter((entry) => entry.step >= from && entry.step <= to && (!outcome || entry.outcome === outcome)
    && (!part || entry.part === Number(part)) && (!run || entry.run === Number(run))
    && (!searched || entry.problem.searched.includes(searched) || entry.answer.toLowerCase().includes(searched)));
  if (table.sort) {
    const sign = table.falling ? -1 : 1;
    table.found.sort((a, b) => sign * ((a[table.sort] ?? -Infinity) - (b[table.sort] ?? -Infinity)));
  }
  table.page = Math.min(page, Math.max(0, Math.ceil(table.found.length / PAGE) - 1));
  showPage(runs);
}

function cellsOfEntry(entry, place, runs) {
  const problem = entry.problem.text.replace(/^\s*user\s+/, '').replace(/\s+/g, ' ').trim().slice(0, 300);
  const dot = runs.length > 1 && el('i', { class: 'dot', title: runs[entry.run].name, style: `--colour: var(--c${entry.run % RUN_COLOURS})` });
  return [
    [dot, String(entry.step)], PARTS[entry.part], outcomePill(entry.outcome), short(entry.score), entry.length == null ? '–' : whole(entry.length),
    entry.answer || '–', entry.problem.expected || '–', el('button', { class: 'open', type: 'button', 'data-place': place }, problem || '(no prompt)'),
  ];
}

function showPage(runs) {
  const pages = Math.ceil(table.found.length / PAGE);
  const from = table.page * PAGE;
  const entries = table.found.slice(from, from + PAGE);
  $('found').textContent = store.entries.length ? `${plural(table.found.length, 'response')}${table.found.length === store.entries.length ? '' : ` of ${whole(store.entries.length)}`}` : '';
  $('pager').hidden = pages < 2;
  $('page-says').textContent = `${whole(from + 1)} to ${whole(from + entries.length)}`;
  $('previous-page').disabled = table.page === 0;
  $('next-page').disabled = table.page >= pages - 1;
  if (!entries.length) {
    $('rows').replaceChildren(...(store.entries.length ? [el('p', { class: 'about' }, 'No response matches.')] : []));
    return;
  }
  const head = COLUMNS.map(([title, kind, width, sort]) => el('th', {
    scope: 'col', class: kind, style: width && `width: ${width}`, 'aria-sort': sort && (table.sort === sort ? (table.falling ? 'descending' : 'ascending') : 'none'),
  }, sort ? el('button', { type: 'button', 'data-sort': sort }, title) : title));
  const rows = entries.map((entry, place) => el('tr', { 'data-place': from + place },
    cellsOfEntry(entry, from + place, runs).map((content, column) => el('td', { class: COLUMNS[column][1] }, content))));
  $('rows').replaceChildren(el('div', { class: 'scroll' }, el('table', { class: 'responses-table' }, el('thead', {}, el('tr', {}, head)), el('tbody', {}, rows))));
}

// How the other responses to the same prompt in the same step fared.
function groupOf(entry) {
  const group = store.entries.filter((one) => one.run === entry.run && one.step === entry.step && one.part === entry.part && one.problem.text === entry.problem.text);
  return [group.filter(({ outcome }) => outcome === 'right').length, group.length];
}

async function openResponse(place, runs) {
  table.open = Math.max(0, Math.min(place, table.found.length - 1));
  const entry = table.found[table.open];
  const output = await store.output(entry);
  const formulas = $('formulas').checked;
  const [right, group] = groupOf(entry);
  const facts = [
    runs.length > 1 && ['run', runs[entry.run].name], ['outcome', outcomePill(entry.outcome)], ['score', short(entry.score)], entry.length != null && ['tokens', whole(entry.length)],
    entry.answer && ['answer', entry.answer], ['expected', entry.problem.expected || '–'], group > 1 && ['this prompt', `${right} of ${group} shown are right`],
  ].filter(Boolean);
  $('reader-title').textContent = `${PARTS[entry.part] === 'training' ? 'Training' : 'Validation'}, step ${entry.step} · ${whole(table.open + 1)} of ${whole(table.found.length)}`;
  $('reader-body').replaceChildren(
    el('dl', { class: 'facts' }, facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)))),
    el('h3', {}, 'Problem'), written(entry.problem.text, formulas), el('h3', {}, 'Response'), written(output, formulas));
  $('reader-body').scrollTop = 0;
  $('previous-response').disabled = table.open === 0;
  $('next-response').disabled = table.open >= table.found.length - 1;
  if (!$('reader').open) $('reader').showModal();
}

function startTable(runs) {
  const form = $('filters');
  let waiting = null;
  form.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => search(runs), 120);
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  $('previous-page').addEventListener('click', () => { table.page -= 1; showPage(runs); });
  $('next-page').addEventListener('click', () => { table.page += 1; showPage(runs); });
  $('rows').addEventListener('click', (event) => {
    const sort = event.target.closest('[data-sort]')?.dataset.sort;
    if (sort) {
      table.falling = table.sort === sort ? !table.falling : true;
      table.sort = sort;
      search(runs);
      return;
    }
    const row = event.target.closest('[data-place]');
    if (row) openResponse(Number(row.dataset.place), runs);
  });
  $('previous-response').addEventListener('click', () => openResponse(table.open - 1, runs));
  $('next-response').addEventListener('click', () => openResponse(table.open + 1, runs));
  $('close-reader').addEventListener('click', () => $('reader').close());
  $('formulas').addEventListener('change', () => openResponse(table.open, runs));
  $('formulas-switch').hidden = typeof katex === 'undefined';
  $('reader').addEventListener('click', (event) => { if (event.target === $('reader')) $('reader').close(); });
  $('reader').addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft' && table.open > 0) openResponse(table.open - 1, runs);
    if (event.key === 'ArrowRight' && table.open < table.found.length - 1) openResponse(table.open + 1, runs);
  });
}
