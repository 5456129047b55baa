// Owns: the script of a report: draws the charts, moves the cursor, takes lines away, colours the heat map, copies.
// Does not own: numbers (the page's JSON), the chart library.
import { DIVERGING, SEQUENTIAL } from './palette.js';

/** The same text for the same number as numbers.ts; a test holds the two together. */
export const FORMAT_SCRIPT = String.raw`
function formatFixed(value, decimals) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '\u2013';
  const [whole, fraction] = Math.abs(value).toFixed(decimals).split('.');
  const text = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f') + (fraction === undefined ? '' : '.' + fraction);
  return value < 0 && /[1-9]/.test(text) ? '\u2212' + text : text;
}
function formatNumber(value, digits = 4) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '\u2013';
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const text = formatFixed(value, Math.min(Math.max(digits - 1 - magnitude, 0), 9));
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
`;

/** Colours and digits of values: even steps from low to high, or from the middle where some are losses and some are gains. */
export const HEAT_SCRIPT = `
function heatScale(values) {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const high = Math.max(...known);
  if (low < 0 && high > 0) {
    const far = Math.max(-low, high);
    return { low: -far, high: far, stops: DIVERGING };
  }
  return { low, high, stops: SEQUENTIAL };
}
/** Three digits of what lies between low and high: less would write the same into squares of other colours. */
function heatDecimals({ low, high }) {
  const span = high - low;
  const digits = span > 0 ? 2 - Math.floor(Math.log10(span)) : 3;
  return Math.min(Math.max(digits, 0), 9);
}
function heatColour({ low, high, stops }, value) {
  const place = (high === low ? 0.5 : (value - low) / (high - low)) * (stops.length - 1);
  const step = Math.min(Math.floor(place), stops.length - 2);
  const channel = (stop, i) => parseInt(stop.slice(1 + 2 * i, 3 + 2 * i), 16);
  const rgb = [0, 1, 2].map((i) => {
    const from = channel(stops[step], i);
    return Math.round(from + (channel(stops[step + 1], i) - from) * (place - step));
  });
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return { background: 'rgb(' + rgb.join(' ') + ')', ink: luminance > 0.179 ? '#000' : '#fff' };
}
`;

const PLOT_SCRIPT = `
const page = document.documentElement;
const css = (name) => getComputedStyle(page).getPropertyValue(name).trim();
const plots = [];
/** Decimals that a step of an axis needs. */
const decimalsOf = (step) => (step.toFixed(9).replace(/0+$/, '').split('.')[1] || '').length;

/** Areas on top of each other; what is hidden takes no room. */
function stacked(lines, hidden) {
  const sums = lines[0].values.map(() => 0);
  return lines.map(({ values }, i) => values.map((value, j) => (sums[j] += hidden.has(i) ? 0 : value || 0)));
}

/**
 * One chart with its legend. xs are numbers; describe says where the cursor is; ticks are the labels of the axis.
 */
function plot(holder, figure, { xs, describe, ticks, xLabel, sync }) {
  const card = holder.closest('figure');
  const legend = card.querySelector('.legend');
  const hidden = new Set();
  const isStack = figure.shape === 'stack';
  const lines = figure.lines;
  // areas are drawn from the highest sum down, each over the one before
  const order = lines.map((_, i) => (isStack ? lines.length - 1 - i : i));
  const aligned = () => {
    const columns = isStack ? stacked(lines, hidden) : lines.map(({ values }) => values);
    return [xs, ...order.map((i) => columns[i])];
  };
  const font = '12px system-ui, sans-serif';
  const axis = { stroke: () => css('--soft'), font, grid: { stroke: () => css('--grid'), width: 1 }, ticks: { show: false } };
  const widest = (u, labels) => {
    if (labels === null) return 30;
    u.ctx.font = u.axes[1].font[0];
    return Math.ceil(Math.max(0, ...labels.map((label) => u.ctx.measureText(label).width)) / devicePixelRatio) + 12;
  };
  const size = () => ({ width: holder.clientWidth, height: holder.clientHeight });
  const u = new uPlot(
    {
      ...size(),
      legend: { show: false },
      padding: [10, 14, 0, 0],
      drawOrder: isStack ? ['series', 'axes'] : ['axes', 'series'],
      cursor: {
        sync: sync ? { key: sync, scales: ['x', null] } : undefined,
        drag: { x: true, y: false },
        y: false,
        focus: { prox: isStack ? -1 : 24 },
        points: { size: 7 },
      },
      focus: { alpha: 0.35 },
      scales: {
        x: { time: false, range: (_, low, high) => (xs.length === 1 ? [xs[0] - 1, xs[0] + 1] : [low, high]) },
        y: {
          range: (_, low, high) => {
            if (low === null) return [0, 1];
            const bottom = figure.isFromZero ? Math.min(0, low) : low;
            if (bottom === high) return high === 0 ? [0, 1] : [high - Math.abs(high) * 0.1, high + Math.abs(high) * 0.1];
            const pad = (high - bottom) * 0.06;
            return [bottom === 0 || (low >= 0 && bottom - pad < 0) ? Math.max(0, bottom - pad) : bottom - pad, high + pad];
          },
        },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: sync ? 40 : 24, gap: 6, incrs: ticks ? [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5] : undefined, values: (_, splits) => splits.map(ticks || ((x) => formatNumber(x))), label: xLabel, labelSize: 18, labelFont: font, labelGap: 0 },
        { ...axis, space: 36, gap: 6, size: widest, values: (_, splits, axisIndex, space, step) => splits.map((y) => formatFixed(y, decimalsOf(step))) },
      ],
      series: [
        {},
        ...order.map((i) => ({
          label: lines[i].label,
          stroke: () => css(isStack ? '--surface' : lines[i].colour),
          fill: isStack ? () => css(lines[i].colour) : undefined,
          width: isStack ? 1 : 2,
          dash: lines[i].dash.length && !isStack ? lines[i].dash : undefined,
          points: { show: xs.length === 1 || (!sync && xs.length <= 40), size: 9, fill: () => css(lines[i].colour), stroke: () => css(lines[i].colour) },
        })),
      ],
      hooks: { setCursor: [(self) => show(self.cursor.idx)] },
    },
    aligned(),
    holder,
  );

  function show(index) {
    const at = index === null || index === undefined ? xs.length - 1 : index;
    if (legend) {
      legend.querySelectorAll('.value').forEach((value, i) => { value.textContent = formatNumber(lines[i].values[at]); });
      card.querySelector('.when').textContent = describe(at);
    } else card.querySelector('[data-readout]').textContent = describe(at) + ': ' + formatNumber(lines[0].values[at]) + ' ' + figure.unit;
    holder.setAttribute('aria-valuemin', xs[0]);
    holder.setAttribute('aria-valuemax', xs[xs.length - 1]);
    holder.setAttribute('aria-valuenow', xs[at]);
    const said = lines.filter((_, i) => !hidden.has(i)).map(({ label, values }) => label + ' ' + formatNumber(values[at]));
    holder.setAttribute('aria-valuetext', describe(at) + ': ' + said.join(', ') + ' ' + figure.unit);
  }

  let keyed = xs.length - 1;
  const onKey = (event) => {
    const tenth = Math.max(1, Math.round(xs.length / 10));
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -tenth, PageUp: tenth, Home: -xs.length, End: xs.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    keyed = Math.min(Math.max((u.cursor.idx ?? keyed) + step, 0), xs.length - 1);
    u.setCursor({ left: u.valToPos(xs[keyed], 'x'), top: u.over.clientHeight / 2 });
  };
  holder.addEventListener('keydown', onKey);
  const onToggle = (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const i = Number(button.dataset.line);
    if (!hidden.delete(i)) hidden.add(i);
    button.setAttribute('aria-pressed', String(!hidden.has(i)));
    u.batch(() => {
      u.setSeries(order.indexOf(i) + 1, { show: !hidden.has(i) });
      if (isStack) u.setData(aligned());
    });
    show(u.cursor.idx);
  };
  if (legend) legend.addEventListener('click', onToggle);
  const resize = new ResizeObserver(() => u.setSize(size()));
  resize.observe(holder);
  show(null);
  const entry = { u, size };
  plots.push(entry);
  return () => {
    resize.disconnect();
    holder.removeEventListener('keydown', onKey);
    plots.splice(plots.indexOf(entry), 1);
    u.destroy();
  };
}

const repaint = () => plots.forEach(({ u }) => u.redraw());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
// canvases keep the colours and the width they were drawn with: paper is white, and one column wide
addEventListener('beforeprint', () => {
  page.dataset.theme = 'light';
  plots.forEach(({ u }) => u.setSize({ width: 640, height: 240 }));
  repaint();
});
addEventListener('afterprint', () => {
  delete page.dataset.theme;
  plots.forEach(({ u, size }) => u.setSize(size()));
  repaint();
});
`;

const TIME_SCRIPT = String.raw`
function plotRun({ epochs, days, figures }) {
  const dayOf = (epoch) => {
    const next = epochs.findIndex((each) => each >= epoch);
    if (next < 0) return days[days.length - 1];
    const from = next === 0 ? [0, 0] : [epochs[next - 1], days[next - 1]];
    return from[1] + ((days[next] - from[1]) * (epoch - from[0])) / (epochs[next] - from[0]);
  };
  for (const holder of document.querySelectorAll('[data-figure] > .plot'))
    plot(holder, figures[holder.parentElement.dataset.figure], {
      xs: epochs,
      sync: 'time',
      describe: (i) => 'epoch ' + formatNumber(epochs[i], 9) + ', day ' + formatNumber(days[i], 4),
      ticks: (epoch) => (epoch < 1 || epoch > epochs[epochs.length - 1] ? '' : formatNumber(epoch, 9) + '\n' + formatNumber(dayOf(epoch), 3) + ' d'),
      xLabel: 'epoch, day',
    });
}
`;

const SWEEP_SCRIPT = `
function showSweep(card, sweep) {
  const { axes, metrics } = sweep;
  const metricChoice = card.querySelector('[data-metric]');
  const fixed = [...card.querySelectorAll('[data-fixed]')];
  const readout = card.querySelector('[data-readout]');
  const pointAt = (places) => places.reduce((index, place, i) => index * axes[i].values.length + place, 0);
  const value = (metric, ...places) => metric.values[pointAt([...places, ...fixed.map((choice) => Number(choice.value))])];
  const withUnit = (number, unit) => formatNumber(number, 6) + (unit ? ' ' + unit : '');
  let remove;

  function drawLine(metric) {
    if (remove) remove();
    const [axis] = axes;
    const isNumbers = axis.at.every((at, i) => i === 0 || at > axis.at[i - 1]);
    const xs = isNumbers ? axis.at : axis.values.map((_, i) => i);
    remove = plot(
      card.querySelector('[data-line-plot]'),
      { shape: 'lines', unit: metric.unit, isFromZero: false, lines: [{ label: metric.name, colour: '--c1', dash: [], values: metric.values }] },
      { xs, describe: (i) => axis.path + ' = ' + axis.values[i], xLabel: axis.path, ticks: isNumbers && axis.at.some((at) => !Number.isInteger(at)) ? undefined : (x) => (isNumbers ? formatNumber(x) : axis.values[x] || '') },
    );
  }

  function drawMap(metric) {
    const [rows, columns] = axes;
    const scale = heatScale(metric.values);
    const decimals = heatDecimals(scale);
    const make = (tag, text, attributes = {}) => {
      const element = document.createElement(tag);
      element.textContent = text;
      for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
      return element;
    };
    const table = document.createElement('table');
    table.append(make('caption', metric.name + (metric.unit ? ', ' + metric.unit : '') + ': down ' + rows.path + ', across ' + columns.path));
    // the others share what is left evenly
    const names = document.createElement('col');
    names.style.width = Math.max(...rows.values.map((text) => text.length)) + 2 + 'ch';
    table.append(names, ...columns.values.map(() => document.createElement('col')));
    const head = table.createTHead().insertRow();
    head.append(document.createElement('td'), ...columns.values.map((text) => make('th', text, { scope: 'col' })));
    const body = table.createTBody();
    rows.values.forEach((text, r) => {
      const row = body.insertRow();
      row.append(make('th', text, { scope: 'row' }));
      columns.values.forEach((_, c) => {
        const number = value(metric, r, c);
        const cell = row.insertCell();
        cell.tabIndex = r === 0 && c === 0 ? 0 : -1;
        cell.append(make('span', number === null ? '' : formatFixed(number, decimals)));
        if (number === null) cell.className = 'nothing';
        else {
          const { background, ink } = heatColour(scale, number);
          cell.style.background = background;
          cell.style.color = ink;
        }
        cell.dataset.said = rows.path + ' = ' + text + ', ' + columns.path + ' = ' + columns.values[c] + ': ' + metric.name + ' ' + withUnit(number, metric.unit);
      });
    });
    const heat = card.querySelector('[data-heat]');
    heat.replaceChildren(table);
    fit();
    readout.textContent = 'Point at a square, or go there with Tab and the arrow keys.';
    const bar = document.createElement('i');
    bar.style.background = 'linear-gradient(90deg,' + scale.stops.join(',') + ')';
    card.querySelector('[data-scale]').replaceChildren(formatFixed(scale.low, decimals), bar, formatFixed(scale.high, decimals) + ' ' + metric.unit);
  }

  /** Numbers stand in the squares where there is room for them. */
  function fit() {
    const heat = card.querySelector('[data-heat]');
    heat.classList.remove('dense');
    const isTight = [...heat.querySelectorAll('td, thead th')].some((cell) => cell.scrollWidth > cell.clientWidth);
    heat.classList.toggle('dense', isTight);
  }

  function draw() {
    const metric = metrics[Number(metricChoice.value)];
    if (axes.length > 1) drawMap(metric);
    else drawLine(metric);
  }

  for (const choice of [metricChoice, ...fixed]) choice.addEventListener('change', draw);
  if (axes.length > 1) {
    const heat = card.querySelector('[data-heat]');
    const say = ({ target }) => {
      const cell = target.closest('[data-said]');
      if (cell) readout.textContent = cell.dataset.said;
    };
    for (const kind of ['pointerover', 'focusin', 'click']) heat.addEventListener(kind, say);
    heat.addEventListener('keydown', (event) => {
      const move = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      const cell = event.target.closest('[data-said]');
      if (!move || !cell) return;
      const row = cell.parentElement;
      const next = row.parentElement.rows[row.sectionRowIndex + move[0]]?.cells[cell.cellIndex + move[1]];
      if (next === undefined || next.tagName !== 'TD') return;
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
    new ResizeObserver(fit).observe(heat);
  }
  draw();
}
`;

const COPY_SCRIPT = String.raw`
/** As other programs read numbers: no thin spaces, a plain minus. */
const plain = (text) => text.replaceAll('\u202f', '').replaceAll('\u2212', '-').replace(/^\u2013$/, '').trim();
async function copy(button, text) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'The browser refused: select and copy by hand';
  }
  setTimeout(() => { button.textContent = label; }, 2000);
}
document.addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (!button) return;
  if (button.dataset.copy) copy(button, document.getElementById(button.dataset.copy).textContent);
  if ('copyTable' in button.dataset) {
    const rows = [...button.parentElement.querySelectorAll('tr')];
    copy(button, rows.map((row) => [...row.cells].map((cell) => plain(cell.textContent)).join('\t')).join('\n'));
  }
});
`;

export const CLIENT_SCRIPT = `(() => {
'use strict';
const SEQUENTIAL = ${JSON.stringify(SEQUENTIAL)};
const DIVERGING = ${JSON.stringify(DIVERGING)};
${FORMAT_SCRIPT}${HEAT_SCRIPT}${PLOT_SCRIPT}${TIME_SCRIPT}${SWEEP_SCRIPT}${COPY_SCRIPT}
const data = JSON.parse(document.getElementById('report-data').textContent);
plotRun(data);
const sweepCard = document.querySelector('[data-sweep]');
if (sweepCard) showSweep(sweepCard, data.sweep);
})();`;
