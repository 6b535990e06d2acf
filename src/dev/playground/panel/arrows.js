// What an event of the gateway means in the diagram: from whom to whom, and the words at its arrow.

/**
 * An event as `GET /playground/events` lists it.
 * @typedef {Record<string, any> & { number: number, kind: string, at_ms: number, correlation_id?: string }} GatewayEvent
 */

/**
 * An arrow from a lane to another one, or a note at one lane.
 * @typedef {object} Arrow
 * @property {number} from Lane of the sender.
 * @property {number} to Lane of the receiver.
 * @property {string} label
 * @property {boolean} [isAnswer] Whether it shows the outcome of something.
 * @property {number} [status]
 * @property {string} [reason] The reason code, or the provider's word or number.
 * @property {number} [took] In milliseconds.
 * @property {string} [remark]
 */

const [CLIENT, GATEWAY, PROVIDER, BOT, SKILL] = [0, 1, 2, 3, 4];

/** The names of the lanes, from left to right. The last one is shown only if a step of a skill is drawn. */
export const LANES = ['Client', 'bot-sso', 'Identity provider', 'Bot', 'Skill'];

const GRANTS = {
  on_behalf_of: 'exchange on behalf of',
  authorization_code: 'authorization code',
  refresh_token: 'refresh token',
  client_credentials: 'app token',
};

const PAGES = {
  BeginSignIn: 'sign-in link',
  CompleteAuthorization: 'back from the provider',
  ReviewSignIn: 'page: confirm, or the code',
  DecideSignIn: 'decision',
};

/** The operation by which a parent bot sends an activity to its skill. */
const TO_SKILL = 'PostToSkill';

/** What a page downloads before anybody signs in: the module for silent sign-in, which is no step of one. */
const DOWNLOAD = /SingleSignOn(Module|Types)$/;

/**
 * The arrow of an event; `undefined` for an event that only explains another one.
 * @param {GatewayEvent} event
 * @param {GatewayEvent[]} group The earlier events of the same request.
 * @returns {Arrow | undefined}
 */
export function arrowOf(event, group) {
  const { status, took_ms: took } = event;
  switch (event.kind) {
    case 'activity_arrived':
      return { from: CLIENT, to: GATEWAY, label: event.name };
    case 'provider_asked':
      return { from: GATEWAY, to: PROVIDER, label: GRANTS[event.grant] ?? event.grant };
    case 'provider_answered':
      return { from: PROVIDER, to: GATEWAY, label: providerWord(event), isAnswer: true, status, took };
    case 'bot_asked':
      return { from: GATEWAY, to: BOT, label: messageName(event, group) };
    case 'bot_answered':
      return { from: BOT, to: GATEWAY, label: messageName(event, group), isAnswer: true, status, took };
    case 'skill_asked':
      return { from: GATEWAY, to: SKILL, label: event.message };
    case 'skill_answered':
      return { from: SKILL, to: GATEWAY, label: event.message, isAnswer: true, status, took };
    case 'skill_card':
      return cardNote(event);
    case 'activity_answered': {
      const remark = event.shared ? 'shared with a duplicate' : undefined;
      return { from: GATEWAY, to: CLIENT, label: '', isAnswer: true, status, reason: event.reason, took, remark };
    }
    case 'operation_answered':
      return DOWNLOAD.test(event.operation) ? undefined : operationArrow(event, group);
    case 'signed_out':
      return signOutNote(event);
    default:
      return undefined;
  }
}

/**
 * A sign-out of a user who had no token changes nothing, and is not drawn.
 * @param {GatewayEvent} event
 * @returns {Arrow | undefined}
 */
function signOutNote({ everywhere, tokens_removed: tokens }) {
  if (tokens === 0) {
    return undefined;
  }
  const label = everywhere ? `a user is signed out everywhere, tokens: ${tokens}` : 'a user is signed out';
  return { from: GATEWAY, to: GATEWAY, label };
}

/**
 * What became of a sign-in card that a skill has sent.
 * @param {GatewayEvent} event
 * @returns {Arrow}
 */
function cardNote({ outcome, reason }) {
  const label = outcome === 'swallowed' ? 'the card is answered, and the user does not see it' : 'the card goes on to the user:';
  return { from: GATEWAY, to: GATEWAY, label, reason };
}

/** @param {GatewayEvent} event */
function providerWord(event) {
  if (event.error_number !== undefined) {
    return `AADSTS${event.error_number}`;
  }
  return event.error ?? (event.status === 200 ? 'token' : '');
}

/**
 * @param {GatewayEvent} event
 * @param {GatewayEvent[]} group
 */
function messageName(event, group) {
  const arrived = group.find(({ kind }) => kind === 'activity_arrived');
  if (event.message === 'skill_activity') {
    return 'what the skill says';
  }
  return event.message === 'activity' ? (arrived?.name ?? 'activity') : event.message;
}

/**
 * @param {GatewayEvent} event
 * @param {GatewayEvent[]} group
 * @returns {Arrow}
 */
function operationArrow(event, group) {
  const from = callerOf(event);
  const label = from === CLIENT ? (PAGES[event.operation] ?? event.operation) : event.operation;
  const { status, took_ms: took } = event;
  return { from, to: GATEWAY, label, isAnswer: true, status, reason: findRefusal(group)?.reason, took };
}

/**
 * The lane of the caller of an operation. A parent bot calls the skill host with messages for its skill, and the skill everything else.
 * @param {GatewayEvent} event
 */
function callerOf({ door, operation }) {
  if (door === 'skill_host') {
    return operation === TO_SKILL ? BOT : SKILL;
  }
  return door === 'token_service' ? BOT : CLIENT;
}

/**
 * The event that says why something in the group was refused.
 * @param {GatewayEvent[]} group
 */
export function findRefusal(group) {
  return group.find(({ kind }) => kind === 'exchange_refused' || kind === 'caller_refused');
}

/**
 * How a status is coloured. Its number says the same.
 * @param {number | undefined} status
 */
export function toneOf(status) {
  if (status === undefined || status >= 500 || status === 429) {
    return 'bad';
  }
  if (status < 400) {
    return 'ok';
  }
  return status === 412 || status === 404 ? 'warn' : 'bad';
}

/**
 * A duration for people.
 * @param {number} milliseconds
 */
export function durationText(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

const HEADINGS = {
  token: 'A token was refused',
  caller: 'A caller was refused',
  provider: 'What the identity provider says',
};
const REASONS_OF_TOKENS = ['assertion_rejected', 'identity_mismatch', 'assertion_expired', 'bad_request'];

/**
 * The heading of docs/troubleshooting.md that explains a refusal.
 * @param {GatewayEvent} refusal
 */
export function headingOf(refusal) {
  if (refusal.kind === 'caller_refused') {
    return HEADINGS.caller;
  }
  const isOfToken = REASONS_OF_TOKENS.includes(refusal.reason.split(':')[0]);
  return isOfToken ? HEADINGS.token : HEADINGS.provider;
}
