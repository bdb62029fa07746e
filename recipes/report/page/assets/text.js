'use strict';
// Elements, numbers and formulas. Text from a run enters the page through text nodes only.

const $ = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, '');
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child != null && child !== false));
  return node;
}

const percent = (share) => `${(100 * share).toFixed(1)}\u202f%`;
const points = (share) => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)} points`;
const whole = (count) => Math.round(count).toLocaleString('en');
const plural = (count, word) => `${whole(count)} ${word}${count === 1 ? '' : 's'}`;

function short(value) {
  if (value == null) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(1).replace('e', ' e');
  return String(Number(value.toPrecision(3))).replace('-', '−');
}

function compact(count) {
  return new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

// $$…$$, \[…\], \(…\), $…$ (not a price: no blank inside the signs, no digit after), and a \boxed{…} outside of them.
const FORMULA = /\$\$([^]{1,4000}?)\$\$|\\\[([^]{1,4000}?)\\\]|\\\(([^]{1,4000}?)\\\)|\$(?!\s)((?:\\.|[^$\\\n]){1,2000}?)(?<!\s)\$(?!\d)|\\boxed\{/g;
const MOST_FORMULAS = 500;

function closingBrace(text, open) {
  for (let place = open, depth = 0; place < Math.min(text.length, open + 1000); place += 1) {
    if (text[place] === '\\') place += 1;
    else if (text[place] === '{') depth += 1;
    else if (text[place] === '}' && (depth -= 1) === 0) return place;
  }
  return -1;
}

function* pieces(text) {
  let from = 0;
  FORMULA.lastIndex = 0;
  for (let count = 0, match; count < MOST_FORMULAS && (match = FORMULA.exec(text)); count += 1) {
    let end = FORMULA.lastIndex;
    let formula = match[1] ?? match[2] ?? match[3] ?? match[4];
    if (formula === undefined) {
      const closing = closingBrace(text, end - 1);
      if (closing < 0) continue;
      end = closing + 1;
      formula = text.slice(match.index, end);
    }
    if (match.index > from) yield { text: text.slice(from, match.index) };
    yield { formula, display: match[1] !== undefined || match[2] !== undefined, source: text.slice(match.index, end) };
    from = FORMULA.lastIndex = end;
  }
  if (from < text.length) yield { text: text.slice(from) };
}

function written(text, formulas) {
  const node = el('div', { class: 'text' });
  if (!formulas || typeof katex === 'undefined') {
    node.textContent = text;
    return node;
  }
  for (const piece of pieces(text)) {
    if (piece.text !== undefined) {
      node.append(piece.text);
      continue;
    }
    const place = el('span', { class: piece.display ? 'display' : null });
    try {
      katex.render(piece.formula, place, {
        output: 'mathml', displayMode: piece.display, throwOnError: false, trust: false, strict: 'ignore', maxExpand: 300, maxSize: 20,
      });
    } catch {
      place.textContent = piece.source; // what KaTeX can't bear, for instance nesting that is too deep
    }
    node.append(place);
  }
  return node;
}
