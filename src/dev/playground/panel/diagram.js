// The sequence diagram: a list of requests, each with a list of arrows. The same list is read aloud by screen readers.

import { LANES, arrowOf, durationText, findRefusal, headingOf, toneOf } from './panel-arrows.js';
import { element, spoken } from './panel-element.js';

/** @typedef {import('./panel-arrows.js').GatewayEvent} GatewayEvent */
/** @typedef {import('./panel-arrows.js').Arrow} Arrow */

/** The most requests that are shown; the oldest go first. */
const MAX_GROUPS = 250;
/** The members that the details show, with their labels. The rest is in the arrow, or for programs. */
const DETAILS = {
  caller: 'Caller',
  bot: 'Bot',
  channel: 'Channel',
  conversation: 'Conversation',
  skill: 'Skill',
  connection: 'Connection',
  outcome: 'Card',
  provider: 'Identity provider',
  error: 'Error',
  error_number: 'Error number',
  door: 'Door',
  operation: 'Operation',
};

/**
 * The events of one request.
 * @typedef {object} Group
 * @property {GatewayEvent[]} events
 * @property {HTMLElement} item
 * @property {HTMLElement} title
 * @property {HTMLElement} arrows
 */

export class Diagram {
  /** @type {Map<string, Group>} */
  #groups = new Map();
  #list = element('ol', { class: 'panel-groups' });
  #empty = element('p', { class: 'panel-empty' }, 'Nothing has happened yet. Write to the bot, and each step appears here.');
  #scroller;
  /** Whether the reader looks at the latest arrow, and not at an earlier one or into details. */
  #followsEnd = true;
  /** Where the scroller was, and how high it and its content were, when they were last seen. */
  #seen = { top: 0, height: 0, content: 0 };
  /** Counts the details, for their ids. */
  #count = 0;

  constructor() {
    const lanes = LANES.map((lane) => element('span', {}, lane));
    this.#scroller = element(
      'div',
      { class: 'panel-scroller', role: 'region', 'aria-label': 'Sequence of the requests', tabindex: 0 },
      element('div', { class: 'panel-lanes', 'aria-hidden': 'true' }, ...lanes),
      this.#empty,
      this.#list,
    );
    this.element = this.#scroller;
    this.#scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    // The scroller shrinks when the switches above it arrive, and grows when they are closed.
    new ResizeObserver(() => this.#followEnd()).observe(this.#scroller);
  }

  /** Removes everything. */
  clear() {
    this.#groups.clear();
    this.#list.replaceChildren();
    this.#scroller.classList.remove('panel-with-skills');
    this.#empty.hidden = false;
  }

  /**
   * Draws an event.
   * @param {GatewayEvent} event
   */
  add(event) {
    const group = this.#groupOf(event);
    const arrow = arrowOf(event, group.events);
    group.events.push(event);
    if (arrow) {
      if (event.skill) {
        this.#scroller.classList.add('panel-with-skills');
      }
      endWaiting(group, event.kind);
      group.arrows.append(this.#drawArrow(arrow, event, group));
      group.item.hidden = false;
      this.#empty.hidden = true;
    }
    this.#writeTitle(group);
    this.#followEnd();
  }

  /** Shows the latest arrow, unless the reader has scrolled away from it. */
  #followEnd() {
    if (this.#followsEnd) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
    }
    this.#look();
  }

  /** Where the reader has scrolled to decides. A new size moves the content, too, and decides nothing. */
  #onScroll() {
    const before = this.#seen;
    const { top, height, content } = this.#look();
    if (height === before.height && content === before.content && top !== before.top) {
      this.#followsEnd = this.#isAtEnd();
    }
  }

  #isAtEnd() {
    const { top, height, content } = this.#look();
    return top + height >= content - 40;
  }

  #look() {
    const { scrollTop: top, clientHeight: height, scrollHeight: content } = this.#scroller;
    this.#seen = { top, height, content };
    return this.#seen;
  }

  /** @param {GatewayEvent} event */
  #groupOf(event) {
    const id = event.correlation_id ?? `event ${event.number}`;
    const known = this.#groups.get(id);
    if (known) {
      return known;
    }
    const title = element('h3', { class: 'panel-title' });
    const arrows = element('ol', { class: 'panel-arrows' });
    const item = element('li', { class: 'panel-group', 'data-correlation-id': event.correlation_id, hidden: true }, title, arrows);
    const group = { events: [], item, title, arrows };
    this.#groups.set(id, group);
    this.#list.append(item);
    if (this.#groups.size > MAX_GROUPS) {
      const [oldest, { item: gone }] = this.#groups.entries().next().value;
      gone.remove();
      this.#groups.delete(oldest);
    }
    return group;
  }

  /**
   * Writes which request it is. A call of a bot or a browser says it at its only arrow.
   * @param {Group} group
   */
  #writeTitle({ events, title, item }) {
    const about = aboutOf(events);
    const id = events[0].correlation_id;
    title.hidden = !about;
    item.classList.toggle('panel-single', !about);
    if (!about) {
      return;
    }
    title.replaceChildren(
      element('span', { class: 'panel-about' }, about),
      element('span', { class: 'panel-id', title: `Correlation id ${id}` }, spoken('Correlation id '), shortened(id)),
    );
  }

  /**
   * @param {Arrow} arrow
   * @param {GatewayEvent} event
   * @param {Group} group
   */
  #drawArrow(arrow, event, group) {
    this.#count += 1;
    const details = element('div', { class: 'panel-details', id: `panel-details-${this.#count}`, hidden: true });
    const button = element(
      'button',
      {
        type: 'button',
        class: `panel-arrow ${shapeOf(arrow)}`,
        'aria-expanded': 'false',
        'aria-controls': details.id,
        'data-kind': event.kind,
        'data-status': arrow.isAnswer ? (event.status ?? 'none') : undefined,
        'data-reason': arrow.reason,
      },
      element('span', { class: 'panel-words' }, spoken(`${directionText(arrow)}: `), ...wordsOf(arrow), waitingMark(event)),
      element('span', { class: `panel-line ${arrow.isAnswer ? toneOf(event.status) : ''}`, 'aria-hidden': 'true' }),
    );
    button.style.setProperty('--left', String(Math.min(arrow.from, arrow.to)));
    button.style.setProperty('--span', String(Math.abs(arrow.to - arrow.from)));
    button.addEventListener('click', () => {
      details.hidden = !details.hidden;
      button.setAttribute('aria-expanded', String(!details.hidden));
      if (!details.hidden) {
        details.replaceChildren(...detailsOf(event, group.events));
        details.scrollIntoView({ block: 'nearest' });
        this.#followsEnd = this.#isAtEnd();
      }
    });
    return element('li', {}, button, details);
  }
}

/**
 * Which request it is; `undefined` if its only arrow says it.
 * @param {GatewayEvent[]} events
 */
function aboutOf(events) {
  const arrived = events.find(({ kind }) => kind === 'activity_arrived');
  if (arrived) {
    return `${arrived.name}, ${[arrived.bot, arrived.connection].filter(Boolean).join(' / ')}`;
  }
  const ofSkill = events.find(({ skill }) => skill);
  return ofSkill && `skill ${ofSkill.skill}`;
}

/**
 * Removes the mark of the request that is answered by an event of this kind.
 * @param {Group} group
 * @param {string} kind
 */
function endWaiting({ arrows }, kind) {
  if (!kind.endsWith('_answered')) {
    return;
  }
  const asked = kind.replace(/_answered$/, '_asked');
  arrows.querySelector(`[data-kind=${asked}] .panel-waiting`)?.remove();
}

/** @param {Arrow} arrow */
function shapeOf({ from, to, isAnswer }) {
  if (from === to) {
    return 'panel-note';
  }
  return `${from < to ? 'panel-right' : 'panel-left'} ${isAnswer ? 'panel-answer' : ''}`;
}

/** @param {Arrow} arrow */
function directionText({ from, to }) {
  return from === to ? LANES[from] : `${LANES[from]} to ${LANES[to]}`;
}

/** @param {Arrow} arrow */
function wordsOf({ label, isAnswer, status, reason, took, remark }) {
  const words = [];
  if (isAnswer) {
    words.push(element('span', { class: `panel-status ${toneOf(status)}` }, status === undefined ? 'no answer' : String(status)));
  }
  words.push(...[label, reason, remark].filter(Boolean).map((word) => element('span', {}, word)));
  if (took !== undefined) {
    words.push(element('span', { class: 'panel-took' }, durationText(took)));
  }
  return words.flatMap((word) => [word, ' ']);
}

/**
 * The mark of a request that is not answered yet. It is seen only after a second.
 * @param {GatewayEvent} event
 */
function waitingMark({ kind }) {
  return kind.endsWith('_asked') ? element('span', { class: 'panel-waiting' }, 'waiting …') : '';
}

/**
 * @param {GatewayEvent} event
 * @param {GatewayEvent[]} group
 */
function detailsOf(event, group) {
  const rows = [
    ['Time', timeText(event.at_ms)],
    ['Correlation id', event.correlation_id],
    ...Object.entries(DETAILS).map(([member, label]) => [label, event[member]]),
  ];
  const shown = rows.filter(([, value]) => value !== undefined);
  const list = shown.flatMap(([label, value]) => [element('dt', {}, label), element('dd', {}, String(value))]);
  const parts = [element('dl', {}, ...list)];
  const refusal = findRefusal(group);
  if (refusal && (event.reason || event.kind === 'provider_answered')) {
    parts.push(...adviceOn(refusal));
  }
  if (group.some(({ kind, connection }) => kind === 'activity_arrived' && connection)) {
    parts.push(claimsOf(event));
  }
  return parts;
}

/**
 * What the operator's log says about a refusal, and where it is explained.
 * @param {GatewayEvent} refusal
 */
function adviceOn(refusal) {
  const heading = headingOf(refusal);
  const href = `/playground/troubleshooting.md#:~:text=${encodeURIComponent(`## ${heading}`)}`;
  return [
    element('p', {}, element('strong', {}, 'The operator’s log says: '), element('span', { class: 'panel-hint' }, refusal.hint)),
    element('p', {}, element('a', { href, target: '_blank', rel: 'noopener' }, `docs/troubleshooting.md, ${heading}`)),
  ];
}

/**
 * A button that shows the claims of the exchanged token, from the tenant’s record of what it has issued.
 * @param {GatewayEvent} event
 */
function claimsOf(event) {
  const place = element('div', { class: 'panel-claims', role: 'status' });
  const show = async () => {
    const answer = await fetch(`/playground/events/${event.number}/claims`).catch(() => undefined);
    const { claims, error } = (await answer?.json().catch(() => undefined)) ?? {};
    place.replaceChildren(
      claims
        ? element('pre', { tabindex: 0, 'aria-label': 'Claims of the token' }, JSON.stringify(claims, undefined, 2))
        : element('p', {}, error?.message ?? 'The stage does not answer.'),
    );
  };
  return element('div', {}, element('button', { type: 'button', class: 'panel-button', onclick: show }, 'Show the token’s claims'), place);
}

/**
 * The time of day, to the millisecond.
 * @param {number} milliseconds
 */
function timeText(milliseconds) {
  const parts = { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' };
  return new Date(milliseconds).toLocaleTimeString('en-GB', parts);
}

/** @param {string} id */
function shortened(id) {
  return id.slice(0, 8);
}
