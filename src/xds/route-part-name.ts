// Names of resources of type RoutePart: `80` is the head of a route configuration, `80/reviews.shop:80` one virtual host.

export function routePartName(route: string, virtualHost: string): string {
  return `${route}/${virtualHost}`;
}

/** The route configuration that a part belongs to, which is the name of its head; its names hold no slash. */
export function routeOfPart(name: string): string {
  const end = name.indexOf("/");
  return end < 0 ? name : name.slice(0, end);
}

export function isRouteHead(name: string): boolean {
  return !name.includes("/");
}

/**
 * Which route configurations a rejection is about, by our agent's words: `80: why; 8080: why`. All of them where it names
 * none.
 */
export function refusedRoutes(message: string, routes: ReadonlySet<string>): ReadonlySet<string> {
  const named = [...routes].filter((route) => message.startsWith(`${route}: `) || message.includes(`; ${route}: `));
  return named.length === 0 ? routes : new Set(named);
}
