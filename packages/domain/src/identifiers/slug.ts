/**
 * Tells whether a text can be a tenant's or a module's identifier: 1 to 40 characters of a–z, 0–9 and single dashes,
 * a letter first, no dash last. Such a text is safe as a DNS label, a path segment and, with dashes replaced, as part
 * of an SQL identifier.
 */
export function isSlug(text: string): boolean {
  return text.length <= 40 && SLUG.test(text);
}

const SLUG = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
