'use strict';
// The data of the page, unpacked when needed.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Response(stream).json();
}

// Curves of one run: `steps`, and per metric one value or null per step.
class Series {
  constructor({ steps, columns }) {
    this.steps = steps;
    this.columns = columns;
  }

  names(metric) {
    if (!metric.startsWith('^')) return metric in this.columns ? [metric] : [];
    const pattern = new RegExp(metric);
    return Object.keys(this.columns).filter((name) => pattern.test(name));
  }

  get(name) {
    return this.columns[name] ?? [];
  }

  append({ steps, columns }) {
    for (const name of new Set([...Object.keys(this.columns), ...Object.keys(columns)])) {
      const before = this.columns[name] ?? this.steps.map(() => null);
      this.columns[name] = [...before, ...(columns[name] ?? steps.map(() => null))];
    }
    this.steps = [...this.steps, ...steps];
  }
}

// Responses of all runs: a light entry each; texts stay packed until one is read.
class Store {
  constructor() {
    this.entries = [];
    this.unpacked = new Map();
  }

  async add(run, batch) {
    const index = await unpack(batch.index);
    const problems = index.problems.map(([text, expected]) => ({ text, expected, searched: `${text}\n${expected}`.toLowerCase() }));
    for (let place = 0; place < index.step.length; place += 1) {
      this.entries.push({
        run, batch, place, block: index.block,
        part: index.part[place], step: index.step[place], problem: problems[index.problem[place]],
        outcome: index.outcomes[index.outcome[place]], score: index.score[place],
        length: index.length[place], answer: index.answer[place],
      });
    }
  }

  async output(entry) {
    const key = entry.batch.blocks[Math.floor(entry.place / entry.block)];
    if (!this.unpacked.has(key)) {
      if (this.unpacked.size > 30) this.unpacked.delete(this.unpacked.keys().next().value);
      this.unpacked.set(key, unpack(key));
    }
    return (await this.unpacked.get(key))[entry.place % entry.block];
  }
}
