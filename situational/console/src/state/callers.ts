/** Whether a caller is nobody in particular: a ban on them would shut out everybody who has not signed in. */
export function isNobody(caller: string): boolean {
  return caller === '' || caller === 'anon'
}
