// The look of a page: its colours, the lowest contrast of visible text (WCAG 2, 1.4.3), and whether the page is wider than the window.

/** This function runs in the page. */
function measureHere() {
  /** The red, green, blue and opacity of a colour. */
  const parse = (text) => {
    const [red, green, blue, alpha = 1] = text.match(/[\d.]+/g).map(Number);
    return { red, green, blue, alpha };
  };
  const over = (above, below, opacity = 1) => {
    const share = above.alpha * opacity;
    const mix = (name) => above[name] * share + below[name] * (1 - share);
    return { red: mix('red'), green: mix('green'), blue: mix('blue'), alpha: 1 };
  };
  const luminance = ({ red, green, blue }) => {
    const [r, g, b] = [red, green, blue].map((part) => {
      const value = part / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrastOf = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  /** The colour behind a page that sets no background. */
  const canvas = () => {
    const probe = document.createElement('div');
    probe.style.backgroundColor = 'Canvas';
    document.body.append(probe);
    const color = parse(getComputedStyle(probe).backgroundColor);
    probe.remove();
    return color;
  };
  const lineage = (element) => (element ? [...lineage(element.parentElement), element] : []);
  const ground = canvas();
  const coloursOf = (element) => {
    let [below, opacity] = [ground, 1];
    for (const each of lineage(element)) {
      const style = getComputedStyle(each);
      opacity *= Number(style.opacity);
      below = over(parse(style.backgroundColor), below, opacity);
    }
    return { below, text: over(parse(getComputedStyle(element).color), below, opacity) };
  };
  const hasText = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const texts = [...document.body.querySelectorAll('*')].filter((element) => element.checkVisibility() && hasText(element));
  const contrasts = texts.map((element) => {
    const { below, text } = coloursOf(element);
    return { contrast: Math.floor(contrastOf(text, below) * 100) / 100, of: element.localName + (element.id && `#${element.id}`) };
  });
  const { below, text } = coloursOf(document.body);
  const show = ({ red, green, blue }) => [red, green, blue].map(Math.round).join();
  return {
    background: show(below),
    text: show(text),
    poorest: contrasts.sort((one, other) => one.contrast - other.contrast)[0],
    width: document.scrollingElement.scrollWidth,
  };
}

export function measure(page) {
  return page.evaluate(measureHere);
}
