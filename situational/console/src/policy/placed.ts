/** A place as the gateway writes it, `file:line`, in its parts. */
export function placeOf(text: string): { file: string; line: number } {
  const colon = text.lastIndexOf(':')
  return { file: text.slice(0, colon), line: Number(text.slice(colon + 1)) }
}
