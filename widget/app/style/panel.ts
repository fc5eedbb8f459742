/** Lengths in em of the page's default text size, so that everything grows with it; directions are logical, so that all of it mirrors. */
export const panelCss = `
.parley{all:initial;display:block;font:400 16px/1.5 system-ui,sans-serif;font-size:medium;color:var(--text);text-align:start}
:where(.parley) *{box-sizing:border-box}
:where(.parley) :where(button,input,textarea,select){font:inherit;color:inherit;margin:0}
:where(.parley) button{border:0;background:none;padding:0;cursor:pointer;text-align:inherit;-webkit-tap-highlight-color:transparent}
:where(.parley) button:disabled{cursor:default;opacity:.45}
:where(.parley) :focus-visible{outline:2px solid var(--ink);outline-offset:2px}
:where(.parley) :where(p,h2,ul,ol,blockquote,pre){margin:0;padding:0}
:where(.parley) svg{display:block;width:1.25em;height:1.25em;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round;flex:none}
.hidden{position:absolute!important;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.panel{position:fixed;z-index:2147483000;inset-block-end:var(--bottom,96px);inset-inline-end:var(--side,20px);display:flex;flex-direction:column;width:min(25em,calc(100vw - 2em));height:min(44em,calc(100dvh - var(--bottom,96px) - 1em));overflow:hidden;background:var(--bg);border:1px solid var(--line);border-radius:1.15em;box-shadow:0 1.2em 3.5em -.6em rgb(10 14 24/.32);animation:rise .22s cubic-bezier(.2,.8,.3,1)}
.panel.start{inset-inline:var(--side,20px) auto}
.panel:focus{outline:0}
.main{display:contents}
@keyframes rise{from{opacity:0;transform:translateY(.8em)}}
@media (max-width:480px),(max-height:480px){.panel,.panel.start{inset:var(--top,0) 0 auto;width:100%;height:var(--height,100dvh);border:0;border-radius:0;touch-action:pinch-zoom;overscroll-behavior:contain}}
.head{display:flex;align-items:center;gap:.7em;padding-block:.8em;padding-inline:1em .7em;border-block-end:1px solid var(--line);flex:none}
.head .who{flex:1;min-width:0}
.head h2{font-size:1em;font-weight:650;line-height:1.3;overflow-wrap:anywhere}
.head p{font-size:.8125em;line-height:1.35;color:var(--muted);overflow-wrap:anywhere}
.icon{display:inline-grid;place-items:center;text-align:center;width:2.25em;height:2.25em;border-radius:.7em;color:var(--muted);flex:none}
.icon:hover:not(:disabled),.icon[aria-expanded=true]{background:var(--soft);color:var(--text)}
.face{position:relative;display:grid;place-items:center;width:2.4em;height:2.4em;border-radius:50%;background:var(--accent);color:var(--on);font-weight:600;flex:none}
.face img{width:100%;height:100%;border-radius:50%;object-fit:cover}
.face.small{width:2.1em;height:2.1em;font-size:.8em;margin-block-start:1.75em}
.face.gap{background:none;height:0}
.face.there::after{content:"";position:absolute;inset-block-end:-1px;inset-inline-end:-1px;width:.7em;height:.7em;border-radius:50%;background:var(--good);border:2px solid var(--bg)}
.bar{display:flex;align-items:center;gap:.7em;padding:.55em 1em;font-size:.875em;background:var(--soft);border-block-end:1px solid var(--line);flex:none}
.bar span:last-child{flex:1}
.log{flex:1;min-height:0;overflow:hidden auto;overflow-anchor:none;overscroll-behavior:contain;scrollbar-width:thin;scrollbar-color:var(--line) transparent}
.log:focus-visible{outline-offset:-3px}
.content{display:flow-root;padding:1em 1em .6em}
.block{display:flow-root}
.day{margin:1em 0 .6em;text-align:center;font-size:.75em;font-weight:500;color:var(--muted)}
.event{margin:.9em 1em;text-align:center;font-size:.8125em;color:var(--muted);overflow-wrap:anywhere}
.row{display:flex;gap:.55em;margin-block-start:.15em;padding-inline-end:2.2em}
.row.first{margin-block-start:.9em}
.row.own{padding-inline:3em 0;justify-content:flex-end}
.body{display:flex;gap:.15em;flex-direction:column;align-items:flex-start;min-width:0;max-width:100%}
.own .body{align-items:flex-end}
.author{max-width:100%;padding:0 .8em;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.75em;font-weight:500;color:var(--muted)}
.bubble{max-width:100%;min-width:0;padding:.55em .85em;background:var(--soft);border-radius:1.1em;overflow-wrap:anywhere;font-size:.9375em;line-height:1.5}
.own .bubble{background:var(--accent);color:var(--on);white-space:pre-wrap}
.row:not(.own):not(.last) .bubble{border-end-start-radius:.35em}
.own:not(.last) .bubble{border-end-end-radius:.35em}
.row:not(.own):not(.first) .bubble{border-start-start-radius:.35em}
.own:not(.first) .bubble{border-start-end-radius:.35em}
.bubble.gone{background:none;border:1px dashed var(--line);color:var(--muted);font-style:italic}
.meta{display:flex;align-items:center;flex-wrap:wrap;gap:.2em .35em;margin:.25em .7em 0;font-size:.75em;color:var(--muted)}
.meta svg{width:1.15em;height:1.15em}
.meta .seen{color:var(--ink)}
.link{min-height:2em;padding:0 .25em;color:var(--ink);font-weight:600;text-decoration:underline}
.md>*+*,.md li>*+*{margin-block-start:.55em}
.md a{color:var(--ink);text-decoration:underline}
.own .md a{color:inherit;outline-color:currentColor}
.md ul,.md ol{padding-inline-start:1.35em}
.md li+li{margin-block-start:.25em}
.md blockquote{padding-inline-start:.75em;border-inline-start:3px solid var(--line);color:var(--muted)}
.md code{font:.9em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;padding:.1em .3em;border-radius:.35em;background:color-mix(in srgb,currentColor 9%,transparent)}
.md pre{overflow:auto;padding:.7em .85em;border-radius:.7em;background:var(--bg);border:1px solid var(--line);white-space:pre}
.md pre code{padding:0;background:none}
.md hr{border:0;border-block-start:1px solid var(--line)}
.md .table{overflow:auto}
.md table{border-collapse:collapse;font-size:.95em}
.md th,.md td{padding:.3em .6em;border:1px solid var(--line);text-align:start;vertical-align:top}
.cite{display:inline-grid;place-items:center;min-width:24px;height:24px;padding:0 .35em;margin:0 .1em;vertical-align:middle;border-radius:.5em;background:color-mix(in srgb,var(--ink) 14%,var(--bg));color:var(--text);font-size:.8em;font-weight:600;line-height:1}
button.cite:hover{background:var(--ink);color:var(--bg)}
.chips{display:flex;list-style:none;flex-wrap:wrap;gap:.45em;margin-block-start:.7em}
.chips.end{justify-content:flex-end}
.chip{display:inline-flex;align-items:center;gap:.4em;min-height:2.3em;max-width:100%;padding:.35em .85em;border:1px solid color-mix(in srgb,var(--ink) 45%,var(--line));border-radius:1.2em;font-size:.875em;font-weight:500;color:var(--ink);background:var(--bg);overflow-wrap:anywhere}
.chip:hover{background:var(--soft)}
.chip svg{width:1.1em;height:1.1em}
.sources{margin:.35em .2em 0;gap:.35em}
.sources .chip{min-height:1.9em;padding:.15em .6em;font-size:.78em;border-color:var(--line);color:var(--muted)}
.dots{display:inline-flex;gap:.25em;align-items:center;height:1.4em}
.dots i{width:.4em;height:.4em;border-radius:50%;background:var(--muted);animation:dot 1.3s infinite}
.dots i+i{animation-delay:.18s}.dots i+i+i{animation-delay:.36s}
@keyframes dot{0%,60%,100%{opacity:.35;transform:none}30%{opacity:1;transform:translateY(-.2em)}}
.state{display:flex;align-items:center;gap:.5em;color:var(--muted);font-size:.875em}
.welcome{display:flow-root;margin-block-end:.4em}
.latestAt{position:relative;height:0;flex:none}
.latest{position:absolute;inset-block-end:.6em;inset-inline:0;margin-inline:auto;width:max-content;max-width:90%;display:flex;align-items:center;gap:.4em;padding:.4em .9em;border-radius:2em;background:var(--text);color:var(--bg);font-size:.8125em;font-weight:500;box-shadow:0 .3em 1em rgb(0 0 0/.2)}
.foot{position:relative;flex:none;padding:.5em .75em .75em;padding-block-end:max(.75em,env(safe-area-inset-bottom))}
.box{display:flex;flex-direction:column;border:1px solid var(--line);border-radius:1.15em;background:var(--bg)}
.box:focus-within{border-color:var(--ink);box-shadow:0 0 0 1px var(--ink)}
.box textarea{display:block;width:100%;min-height:2.9em;max-height:10.5em;padding:.7em .9em .2em;border:0;outline:0;background:none;resize:none;line-height:1.5;overflow-wrap:anywhere}
.box textarea::placeholder{color:var(--muted);opacity:1}
.tools{display:flex;align-items:center;gap:.1em;padding:.15em .35em .35em}
.tools .space{flex:1;padding-inline:.5em;font-size:.75em;color:var(--muted);text-align:end}
.parley .bad{color:var(--bad)}
.send{display:grid;place-items:center;width:2.25em;height:2.25em;border-radius:50%;background:var(--accent);color:var(--on)}
.parley .send:disabled{background:var(--soft);color:var(--muted);opacity:1}
[dir=rtl] .flip{transform:scaleX(-1)}
.notice{padding:.1em .5em .5em;font-size:.8125em;color:var(--bad)}
.notice:empty{display:none}
.lost{margin:.75em;padding:.7em .95em;border-radius:1em;background:var(--soft);font-size:.875em}
.drop{position:absolute;inset:.5em;display:grid;place-items:center;border:2px dashed var(--ink);border-radius:1em;background:color-mix(in srgb,var(--bg) 92%,transparent);color:var(--ink);font-weight:600;pointer-events:none}
.full{flex:1;display:grid;place-content:center;justify-items:center;gap:.9em;padding:2em;text-align:center}
.button{display:inline-flex;justify-content:center;align-items:center;gap:.5em;min-height:2.6em;padding:.5em 1.2em;border-radius:.8em;background:var(--accent);color:var(--on);font-weight:600}
@media (prefers-reduced-motion:reduce){.parley *,.parley ::before{animation-duration:1ms!important;animation-iteration-count:1!important;transition:none!important;scroll-behavior:auto!important}}
@media (forced-colors:active){.bubble,.chip,.cite,.send,.button,.face,.latest,.icon{border:1px solid!important}.box:focus-within{outline:2px solid}}
`
