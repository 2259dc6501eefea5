// Text of others within a message.

/**
 * Quotes a text for a message: on one line, its control characters (C0) escaped, and short.
 *
 * @param limit characters that are repeated; an ellipsis stands for the rest
 */
export function quoted(text: string, limit = 120): string {
  return JSON.stringify(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
