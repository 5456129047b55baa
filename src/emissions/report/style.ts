// Owns: how a report looks, on screen in light and dark, narrow and wide, and on paper. Does not own: colours of data.
import { NEUTRAL, SERIES, SURFACE } from './palette.js';

const series = (theme: 'light' | 'dark'): string =>
  [
    ...SERIES[theme].map((colour, i) => `--c${i + 1}:${colour}`),
    `--neutral:${NEUTRAL[theme]}`,
    `--surface:${SURFACE[theme]}`,
  ].join(';');

const DARK = `${series('dark')};--page:#0d1117;--ink:#e8ecf1;--soft:#9aa5b4;--line:#2a323d;--grid:#8a95a633;--wash:#1d242e;
--accent:#7db3ff;--more:#5b9dff;--less:#f0883e;--neutral-soft:#56606f;--neutral-faint:#333c48;--shadow:none;color-scheme:dark`;

export const STYLE = `
:root{${series('light')};--page:#f3f5f8;--ink:#141a22;--soft:#56616f;--line:#dbe0e7;--grid:#6b768626;--wash:#eef1f5;
--accent:#174f9c;--more:#1c5fb8;--less:#c2570c;--neutral-soft:#a5aebb;--neutral-faint:#d3d9e1;--shadow:0 1px 2px #1018280f,0 4px 16px #1018280a;color-scheme:light}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:4rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
.width{max-width:1560px;margin:0 auto;padding:0 clamp(14px,3vw,40px)}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;font-size:.875em}
code{overflow-wrap:anywhere}
.skip{position:absolute;left:-9999px}.skip:focus{left:8px;top:8px;background:var(--surface);padding:8px 12px;z-index:3}
header{padding:clamp(28px,5vw,56px) 0 8px}
.eyebrow{margin:0 0 6px;color:var(--soft);font-size:.8125rem;letter-spacing:.04em}
h1{margin:0;font-size:clamp(1.6rem,1.1rem + 2.2vw,2.6rem);line-height:1.15;letter-spacing:-.02em;text-wrap:balance;overflow-wrap:anywhere}
.about{max-width:78ch;margin:14px 0 0;color:var(--soft)}.about p{margin:0 0 .6em;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:24px 0 0;padding:0;list-style:none}
.tiles li{background:var(--surface);border:1px solid var(--line);border-radius:12px;padding:12px 16px;box-shadow:var(--shadow)}
.tiles .what,.tiles .how{display:block}.tiles .what{color:var(--soft);font-size:.8125rem}
.tiles b{display:block;font-size:1.45rem;line-height:1.25;font-weight:650;letter-spacing:-.01em}
.tiles .how{color:var(--soft);font-size:.8125rem}
nav{position:sticky;top:0;z-index:2;background:color-mix(in srgb,var(--page) 88%,transparent);backdrop-filter:blur(8px);margin-top:20px;border-bottom:1px solid var(--line)}
@media (max-width:860px){nav{position:static}}
nav ul{display:flex;flex-wrap:wrap;gap:2px 4px;margin:0;padding:6px 0;list-style:none}
nav a{display:block;padding:4px 10px;border-radius:8px;text-decoration:none;color:var(--soft);font-size:.875rem}
nav a:hover{background:var(--wash);color:var(--ink)}
section{margin:36px 0 0;scroll-margin-top:48px}
h2{margin:0 0 12px;font-size:1.3rem;letter-spacing:-.01em}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
.grid .wide{grid-column:1/-1}
@media (max-width:860px){.grid{grid-template-columns:minmax(0,1fr)}}
.card{margin:0;background:var(--surface);border:1px solid var(--line);border-radius:14px;padding:clamp(14px,1.6vw,22px);box-shadow:var(--shadow);min-width:0;display:flex;flex-direction:column}
h3{margin:0;font-size:1.02rem;font-weight:650}
.unit{color:var(--soft);font-weight:400;font-size:.8125rem}
figcaption p{margin:2px 0 0;color:var(--soft);font-size:.875rem;max-width:90ch}
.quiet{color:var(--soft);font-size:.8125rem}
.empty{color:var(--soft);margin:16px 0 4px}
.key{display:flex;flex-wrap:wrap;justify-content:flex-end;align-items:flex-end;gap:0 12px;margin:10px 0 6px}
.legend{display:flex;flex:1 1 auto;flex-wrap:wrap;gap:2px;margin:0 -6px;padding:0;list-style:none;align-items:center;max-height:8.75rem;overflow-y:auto;min-width:0}
.legend button{display:inline-flex;align-items:center;gap:7px;min-height:28px;border:0;background:none;color:var(--ink);font:inherit;font-size:.8438rem;padding:2px 7px;border-radius:7px;cursor:pointer}
.legend button:hover{background:var(--wash)}
.legend .value{color:var(--soft);min-width:3.6em;text-align:left}
.legend [aria-pressed=false] .name{text-decoration:line-through;color:var(--soft)}
.legend [aria-pressed=false] .swatch,.legend [aria-pressed=false] .value{opacity:.3}
.when{margin:0;min-height:28px;display:flex;align-items:center;color:var(--soft);font-size:.8125rem}
.swatch{flex:none}
.plot{height:clamp(230px,24vw,300px);min-width:0;margin-top:auto;border-radius:6px}
.wide>.plot{height:clamp(250px,26vw,380px)}
.plot .uplot{font-family:inherit}
.u-hz .u-cursor-x,.u-hz .u-cursor-y{border-color:var(--soft)}
.u-select{background:color-mix(in srgb,var(--accent) 16%,transparent)}
details{margin-top:12px}
details.table{border-top:1px solid var(--line);padding-top:8px}
summary{cursor:pointer;font-size:.875rem;color:var(--accent);width:fit-content}
.scroll{overflow:auto;max-height:420px;margin:8px 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:separate;border-spacing:0;font-size:.8125rem;width:100%}
caption{position:absolute;left:-9999px}
th,td{padding:4px 12px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
tr:last-child>*{border-bottom:0}
thead th{position:sticky;top:0;background:var(--wash);font-weight:600;vertical-align:bottom;z-index:1}
thead .unit{display:block;font-size:.75rem}
tbody th{font-weight:500}
th.text,td.text{text-align:left}
tbody tr:hover>*{background:var(--wash)}
button.small{border:1px solid var(--line);background:var(--surface);color:var(--ink);font:inherit;font-size:.8125rem;border-radius:7px;padding:3px 10px;cursor:pointer}
button.small:hover{background:var(--wash)}
.bars{margin-top:14px;font-size:.875rem}
.bars ul{list-style:none;margin:0;padding:0}
.bar-row{display:grid;grid-template-columns:minmax(150px,2fr) minmax(0,4fr) minmax(0,4fr);gap:4px 28px;align-items:center;padding:9px 0;border-top:1px solid var(--line)}
.bar-row.head{border:0;padding:0 0 6px;font-weight:600}
.who b{display:block;font-weight:600;overflow-wrap:anywhere}.who span{color:var(--soft);font-size:.8125rem;overflow-wrap:anywhere}
.amount{display:block;margin-bottom:4px}
.track{display:block;position:relative;height:14px;border-radius:3px;background:var(--wash)}
.track i{position:absolute;top:0;bottom:0;border-radius:2px}
.track .more{background:var(--more)}
.track .less{background:repeating-linear-gradient(135deg,var(--less) 0 5px,color-mix(in srgb,var(--less) 72%,var(--surface)) 5px 8px)}
.track .zero{width:2px;margin-left:-1px;top:-3px;bottom:-3px;background:var(--ink)}
.only-narrow{display:none}
@media (max-width:640px){.bar-row{grid-template-columns:minmax(0,1fr)}.bar-row.head{display:none}.bar+.bar{margin-top:4px}.only-narrow{display:inline}}
.choices{display:flex;flex-wrap:wrap;gap:8px 16px;margin:12px 0 4px}
.choices label{display:flex;flex-wrap:wrap;align-items:center;gap:6px;font-size:.875rem;color:var(--soft);min-width:0}
select{font:inherit;color:var(--ink);background:var(--surface);border:1px solid var(--line);border-radius:7px;padding:4px 8px;max-width:100%;min-width:0}
.heat{margin-top:8px}
.heat table{table-layout:fixed;border-spacing:2px;font-size:.8125rem}
.heat caption{position:static;text-align:left;color:var(--soft);padding:0 0 6px}
.heat th,.heat td{border:0;padding:0 4px;background:none;position:static}
.heat thead th{text-align:center;font-weight:500;padding-bottom:4px;color:var(--soft);overflow:hidden;text-overflow:clip}
.heat tbody th{color:var(--soft);padding-right:8px}
.heat td{height:38px;text-align:center;border-radius:4px;overflow:hidden;cursor:default}
.heat tbody tr:hover>th{background:none}
.heat td:hover,.heat td:focus-visible{outline:3px solid var(--ink);outline-offset:0}
.heat td.nothing{background:repeating-linear-gradient(135deg,var(--wash) 0 6px,var(--line) 6px 8px)}
.heat.dense table{border-spacing:1px}.heat.dense td{padding:0;height:clamp(14px,8vw,34px)}.heat.dense td span{font-size:0}
.heat.dense th{padding:0 2px;font-size:.75rem}.heat.dense thead th{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;vertical-align:middle;padding:4px 0}
.readout{min-height:1.6em;margin:8px 0 0;font-size:.875rem;overflow-wrap:anywhere}
.scale{display:flex;align-items:center;gap:10px;font-size:.8125rem;color:var(--soft);margin-top:6px}
.scale i{flex:0 1 320px;height:12px;border-radius:3px}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:6px 20px;margin:0;font-size:.9375rem}
.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
@media (max-width:480px){.facts{grid-template-columns:minmax(0,1fr);gap:0}.facts dd{margin-bottom:8px}}
pre{background:var(--wash);border-radius:8px;padding:12px 14px;margin:8px 0;overflow:auto;max-height:520px;white-space:pre-wrap;overflow-wrap:anywhere}
footer{color:var(--soft);font-size:.8125rem;margin:40px 0 28px}
@media print{
:root{--page:#fff;--shadow:none}
body{font-size:11pt}nav,.choices,button.small,.skip,.when{display:none}
.card,.tiles li{box-shadow:none;break-inside:avoid}h2{break-after:avoid}
details.table:not([open]),.readout{display:none}.scroll,pre,.legend{max-height:none;overflow:visible}
.legend button{padding:0 6px}
.grid{grid-template-columns:minmax(0,1fr)}
.plot,.wide>.plot{height:auto;break-inside:avoid}.plot .u-wrap,.plot canvas{max-width:100%!important;height:auto!important}.u-over,.u-under{display:none}
.track i,.heat td,.scale i,.swatch{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
