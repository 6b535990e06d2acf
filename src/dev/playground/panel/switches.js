// Switches for what usually goes wrong. The stage has the state: another page, or a program, may change it too.

import { element } from './panel-element.js';

/**
 * The answer of `GET /playground/switches`.
 * @typedef {object} State
 * @property {{ name: string, label: string, follows: string, on: boolean }[]} switches
 * @property {{ story: string, label: string, follows: string }[]} stories
 * @property {{ name: string, display_name: string, story: string, own_story: string }[]} users
 * @property {number} other_faults
 */

const ADDRESS = '/playground/switches';
/** The chooser of the page, if the panel is beside a chat. */
const PAGE_USER = '#choice select[name=user]';
/** The chooser of the page whose choice has `data-own` if it is a bot of the developer. */
const PAGE_BOT = '#choice select[name=bot]';
/** The switch that works on demo bots alone. */
const SLOW_BOT = 'slow_bot';

export class SwitchBoard {
  #user = element('select', { id: 'panel-user' });
  #stories = element('div', { class: 'panel-buttons', role: 'group', 'aria-label': 'Story of the user' });
  #faults = element('div', { class: 'panel-buttons', role: 'group', 'aria-label': 'What goes wrong' });
  #reason = element('p', { class: 'panel-reason', hidden: true });
  #follows = element('div', { class: 'panel-follows', role: 'status' });
  #signOut = element('button', { type: 'button', class: 'panel-button', onclick: () => this.#signUserOut() }, 'Sign out');
  #reset = element('button', { type: 'button', class: 'panel-button', onclick: () => this.#send({ reset: true }) }, 'All as it was');
  /** @type {State | undefined} */
  #state;

  constructor() {
    this.element = element(
      'details',
      { class: 'panel-switches', open: true },
      element('summary', {}, 'What usually goes wrong'),
      element('p', { class: 'panel-row' }, element('label', { for: 'panel-user' }, 'Story of '), this.#user, this.#signOut),
      this.#stories,
      this.#faults,
      this.#reason,
      this.#follows,
      this.#reset,
    );
    this.#user.addEventListener('change', () => this.#draw());
    document.querySelector(PAGE_USER)?.addEventListener('change', () => this.#choosePageUser());
  }

  /** Reads the state from the stage. */
  async read() {
    await this.#show(fetch(ADDRESS));
  }

  /** @param {object} command */
  async #send(command) {
    const body = JSON.stringify(command);
    return this.#show(fetch(ADDRESS, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }));
  }

  /** Signs the chosen user out, so that the next message leads to an exchange again. */
  async #signUserOut() {
    const user = this.#user.selectedOptions[0];
    if (user && (await this.#send({ sign_out: user.value }))) {
      this.#follows.prepend(element('p', {}, `${user.text} is signed out: the next message needs a token again.`));
    }
  }

  /**
   * Shows what the stage answers. Returns whether it has done what was asked.
   * @param {Promise<Response>} asked
   */
  async #show(asked) {
    const answer = await asked.catch(() => undefined);
    if (!answer?.ok) {
      const { error } = (await answer?.json().catch(() => undefined)) ?? {};
      this.#follows.replaceChildren(element('p', {}, error?.message ?? 'The stage does not answer.'));
      return false;
    }
    const isFirst = this.#state === undefined;
    this.#state = await answer.json();
    if (isFirst) {
      const users = this.#state.users.map(({ name, display_name: shown }) => element('option', { value: name }, shown));
      this.#user.replaceChildren(...users);
      this.#choosePageUser();
    }
    this.#draw();
    this.element.dispatchEvent(new CustomEvent('switches', { bubbles: true, detail: this.#state }));
    return true;
  }

  /** Chooses the user of the chat, if there is one. */
  #choosePageUser() {
    const chosen = document.querySelector(PAGE_USER)?.value || new URLSearchParams(location.search).get('user');
    if (this.#state?.users.some(({ name }) => name === chosen)) {
      this.#user.value = chosen;
    }
    this.#draw();
  }

  #draw() {
    if (!this.#state) {
      return;
    }
    const { switches, stories, users, other_faults: others } = this.#state;
    const user = users.find(({ name }) => name === this.#user.value) ?? users[0];
    const tell = (story) => this.#send({ user: user.name, story });
    drawButtons(this.#stories, stories.map(({ story, label }) => ({ label, isOn: story === user.story, press: () => tell(story) })));
    const turn = (name, on) => this.#send({ switch: name, on: !on });
    const ownBot = findOwnBot();
    const isVain = ({ name, on }) => ownBot !== undefined && name === SLOW_BOT && !on;
    const faults = switches.map((each) => ({ label: each.label, isOn: each.on, isOff: isVain(each), press: () => turn(each.name, each.on) }));
    drawButtons(this.#faults, faults);
    const vain = switches.find(isVain);
    this.#reason.hidden = vain === undefined;
    this.#reason.textContent = vain ? `“${vain.label}” works on demo bots only, and ${ownBot} is not one.` : '';
    const lines = linesOf(this.#state);
    this.#reset.disabled = lines.length === 0;
    const own = stories.find(({ story }) => story === user.story);
    const usual = element('p', {}, `${user.display_name}: ${own?.follows ?? user.story}`);
    this.#follows.replaceChildren(...(lines.length === 0 ? [usual] : lines));
    this.element.dataset.on = [...switches.filter(({ on }) => on).map(({ name }) => name), ...(others ? ['other'] : [])].join(' ');
  }
}

/** The name of the bot in the chat, if the stage does not run it. */
function findOwnBot() {
  const chosen = document.querySelector(PAGE_BOT)?.selectedOptions[0];
  return chosen?.hasAttribute('data-own') ? chosen.value : undefined;
}

/**
 * A line for each switch that is on.
 * @param {State} state
 */
function linesOf({ switches, stories, users, other_faults: others }) {
  const storyOf = (wanted) => stories.find(({ story }) => story === wanted);
  const lines = users
    .filter(({ story, own_story: own }) => story !== own)
    .map((user) => ({ label: `${user.display_name}: ${storyOf(user.story)?.label}`, follows: storyOf(user.story)?.follows }));
  lines.push(...switches.filter(({ on }) => on));
  if (others > 0) {
    lines.push({ label: `${others} more of /dev/faults`, follows: 'A program has switched something on.' });
  }
  return lines.map(({ label, follows }) =>
    element('p', { class: 'panel-on' }, element('strong', {}, `On, until you switch it off: ${label}. `), follows),
  );
}

/**
 * Makes the buttons at the first time, so that the focus stays where it is later.
 * @param {HTMLElement} place
 * @param {{ label: string, isOn: boolean, isOff?: boolean, press: () => void }[]} wanted `isOff`: it cannot be pressed.
 */
function drawButtons(place, wanted) {
  if (place.childElementCount !== wanted.length) {
    place.replaceChildren(...wanted.map(({ label }) => element('button', { type: 'button', class: 'panel-button' }, label)));
  }
  wanted.forEach(({ isOn, isOff = false, press }, index) => {
    const button = /** @type {HTMLButtonElement} */ (place.children[index]);
    button.setAttribute('aria-pressed', String(isOn));
    button.disabled = isOff;
    button.onclick = press;
  });
}
