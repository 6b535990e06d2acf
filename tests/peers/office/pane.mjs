// A pane of an Office add-in in jsdom: the page, the object `Office` of the host, and the answers that a server gives.

import { JSDOM } from 'jsdom';

/** Makes the globals of a page at `url`. Returns the page. */
export function openPage(url) {
  const page = new JSDOM('<!doctype html><body><p id="message-area"></p></body>', { url });
  for (const name of ['window', 'document', 'location']) {
    Object.defineProperty(globalThis, name, { value: page.window[name], configurable: true, writable: true });
  }
  globalThis.window = page.window;
  return page;
}

export class OfficeError extends Error {
  constructor(code) {
    super(`error ${code}`);
    this.code = code;
  }
}

/**
 * A host that answers its questions for tokens in the order of `answers` (the last one stays): a text is a token, a number is an
 * error's code, a function is called with the options. `form` is the newest API that it has.
 */
export class Host {
  asked = [];
  dialogs = [];

  constructor({ answers = ['token'], form = 'Office.auth', dialog = (opened) => opened.message(SIGNED_IN), opening = {} } = {}) {
    Object.assign(this, { answers, dialog, opening });
    const auth = { getAccessToken: async (options) => this.answer(options) };
    const older = (options, callback) =>
      this.answer(options).then(
        (value) => callback({ status: 'succeeded', value }),
        (error) => callback({ status: 'failed', error: { code: error.code, message: error.message } })
      );
    this.office = {
      EventType: { DialogMessageReceived: 'dialogMessageReceived', DialogEventReceived: 'dialogEventReceived' },
      onReady: async () => ({ host: 'Excel' }),
      context: {
        ui: { displayDialogAsync: (...call) => this.openDialog(...call) },
        auth: form === 'getAccessTokenAsync' ? { getAccessTokenAsync: older } : {},
      },
      ...(form === 'Office.auth' && { auth }),
    };
    this.officeRuntime = form === 'OfficeRuntime.auth' ? { auth } : {};
  }

  async answer(options) {
    this.asked.push(options);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    const given = typeof answer === 'function' ? await answer(options) : answer;
    if (typeof given === 'number') {
      throw new OfficeError(given);
    }
    return given;
  }

  openDialog(url, options, callback) {
    if (this.opening.code) {
      callback({ status: 'failed', error: { code: this.opening.code } });
      return;
    }
    const handlers = {};
    const opened = {
      url,
      options,
      isClosed: false,
      message: (content, more = {}) =>
        handlers.dialogMessageReceived({ message: typeof content === 'string' ? content : JSON.stringify(content), ...more }),
      end: (code) => handlers.dialogEventReceived({ error: code }),
    };
    this.dialogs.push(opened);
    callback({
      status: 'succeeded',
      value: { addEventHandler: (name, handler) => (handlers[name] = handler), close: () => (opened.isClosed = true) },
    });
    queueMicrotask(() => this.dialog(opened));
  }
}

/** What the last page of bot-sso's sign-in says. */
export const SIGNED_IN = { type: 'bot-sso', status: 'signed_in' };

/** Replaces `fetch` by one that gives `answers` in turn (the last one stays) and records the requests. */
export function scriptAnswers(answers) {
  const requests = [];
  const rest = [...answers];
  globalThis.fetch = async (url, init) => {
    requests.push({ url: String(url), method: init.method ?? 'GET', token: init.headers.get('authorization'), init });
    const answer = rest.length > 1 ? rest.shift() : rest[0];
    if (answer instanceof Error) {
      throw answer;
    }
    const { status = 200, body, headers = {} } = answer;
    const content = body === undefined ? null : JSON.stringify(body);
    return new Response(content, { status, headers: { ...(content && { 'content-type': 'application/json' }), ...headers } });
  };
  return requests;
}
