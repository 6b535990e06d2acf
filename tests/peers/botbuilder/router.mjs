// The part of express that `ChannelServiceRoutes` of botbuilder registers its routes with: `post`, `put`, `get` and `delete` with paths
// such as `/v3/conversations/:conversationId/activities`.

/** Compiles a path; a segment that begins with `:` matches any segment. */
function compile(path) {
  const names = [];
  const pattern = path
    .split('/')
    .map((segment) => {
      if (!segment.startsWith(':')) {
        return segment;
      }
      names.push(segment.slice(1));
      return '([^/]+)';
    })
    .join('/');
  return { expression: new RegExp(`^${pattern}$`), names };
}

export class Router {
  #routes = [];

  #add(method, path, handle) {
    this.#routes.push({ method, handle, ...compile(path) });
  }

  post(path, handle) {
    this.#add('POST', path, handle);
  }

  put(path, handle) {
    this.#add('PUT', path, handle);
  }

  get(path, handle) {
    this.#add('GET', path, handle);
  }

  delete(path, handle) {
    this.#add('DELETE', path, handle);
  }

  /** The function for `request`, or `undefined`. */
  find(request, pathname) {
    for (const { method, expression, names, handle } of this.#routes) {
      const match = method === request.method && expression.exec(pathname);
      if (match) {
        request.params = Object.fromEntries(names.map((name, index) => [name, decodeURIComponent(match[index + 1])]));
        request.query = Object.fromEntries(new URL(request.url, 'http://bot').searchParams);
        return (asked, response) => handle(asked, response, () => {});
      }
    }
    return undefined;
  }
}
