// Builds elements of the page.

/**
 * An element with attributes, listeners (`onclick`) and children. An attribute that is `undefined`, `null` or `false` is left out.
 * @param {string} name
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (key.startsWith('on')) {
      made.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
    } else {
      made.setAttribute(key, value === true ? '' : String(value));
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * Text for screen readers alone.
 * @param {string} text
 */
export function spoken(text) {
  return element('span', { class: 'panel-spoken' }, text);
}
