// The panel beside the chat: what bot-sso does, live, and switches for what usually goes wrong. It is an ES module without
// dependencies, and builds everything in the element with the id `panel`.

import { Diagram } from './panel-diagram.js';
import { durationText } from './panel-arrows.js';
import { element } from './panel-element.js';
import { SwitchBoard } from './panel-switches.js';

/** @typedef {import('./panel-arrows.js').GatewayEvent} GatewayEvent */

const STREAM = '/playground/events/stream';
/** How long the panel waits before it connects again to a stage that refused it. */
const RETRY_MS = 3000;

const panel = document.getElementById('panel');
const diagram = new Diagram();
const switches = new SwitchBoard();
/** Says the outcome of each exchange; the diagram itself would say too much. */
const outcome = element('p', { class: 'panel-outcome', role: 'status' });

/** The number of the last event that was drawn. */
let last = 0;
/** @type {EventSource | undefined} */
let source;
/** @type {Map<string, GatewayEvent>} The sign-in activities that are not answered yet. */
const exchanges = new Map();

/** @param {GatewayEvent} event */
function show(event) {
  if (event.number <= last) {
    return;
  }
  last = event.number;
  diagram.add(event);
  if (event.kind === 'activity_arrived' && event.connection) {
    exchanges.set(event.correlation_id, event);
  }
  const exchange = event.kind === 'activity_answered' && exchanges.get(event.correlation_id);
  if (exchange) {
    exchanges.delete(event.correlation_id);
    const words = [event.status, event.reason, durationText(event.took_ms)].filter(Boolean).join(', ');
    outcome.textContent = `Last exchange of any user, ${exchange.bot} / ${exchange.connection}: ${words}`;
  }
}

/** Follows the events after the last one that was drawn. The browser connects again by itself after an interruption. */
function follow() {
  source = new EventSource(`${STREAM}?since=${last}`);
  source.addEventListener('message', ({ data }) => show(JSON.parse(data)));
  source.addEventListener('gap', () => {
    // The stage has begun anew, or events are gone: what follows is not the continuation of what is drawn.
    diagram.clear();
    last = 0;
  });
  source.addEventListener('error', ({ target }) => {
    if (target.readyState === EventSource.CLOSED && target === source) {
      setTimeout(follow, RETRY_MS);
    }
  });
}

/** A hidden page follows nothing: a browser has few connections to one host, and other tabs need them. */
function onVisibility() {
  source?.close();
  source = undefined;
  if (!document.hidden) {
    follow();
    switches.read();
  }
}

/** Clears what is drawn. Events that come later are drawn. */
function clear() {
  diagram.clear();
  outcome.textContent = '';
}

if (panel) {
  document.head.append(element('link', { rel: 'stylesheet', href: '/playground/panel.css' }));
  const heading = element('h2', {}, 'What happens');
  const clearing = element('button', { type: 'button', class: 'panel-button', onclick: clear }, 'Clear');
  panel.replaceChildren(
    element('div', { class: 'panel-head' }, heading, clearing),
    switches.element,
    element('p', { class: 'panel-scope' }, 'The exchanges and sign-outs of all users of this stage:'),
    outcome,
    diagram.element,
  );
  document.addEventListener('visibilitychange', onVisibility);
  onVisibility();
}
