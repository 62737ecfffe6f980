/** The texts of a policy: what a draft changes and a change brings. */
import type { NamedText, Sources } from '../api/policy'
import type { FileChange } from './compare'
import { merged, mergedFiles } from './merge'

export interface Content {
  rules: NamedText[]
  statements: NamedText[]
  cases: NamedText[]
  /** Left out where it is the one in force. */
  model?: NamedText
}

export function asIn({ rules, statements, cases }: Sources): Content {
  return { rules, statements, cases }
}

/** Whether two readings of the policy have the same texts; a revision tells neither of statements nor of comments. */
export function sameContent(a: Sources, b: Sources): boolean {
  const sets = (one: Sources): NamedText[][] => [[one.model], one.rules, one.statements, one.cases]
  const [left, right] = [sets(a), sets(b)]
  return left.every((texts, i) => {
    const others = right[i] ?? []
    return texts.length === others.length && texts.every((one, k) => sameText(one, others[k]))
  })
}

const sameText = (a: NamedText, b: NamedText | undefined): boolean => a.name === b?.name && a.text === b.text

/** What is live now with what `mine` changed of `was`, and the lines of it that meet changes of others. */
export function rebased(was: Content, mine: Content, live: Sources): { content: Content; left: FileChange[] } {
  const rules = mergedFiles(was.rules, mine.rules, live.rules)
  const statements = mergedFiles(was.statements, mine.statements, live.statements)
  const cases = mergedFiles(was.cases, mine.cases, live.cases)
  const model = mine.model && merged(was.model?.text ?? live.model.text, mine.model.text, live.model.text)
  const left = [...rules.left, ...statements.left, ...cases.left]
  if (model !== undefined) left.push(...model.left.map((line) => ({ file: live.model.name, ...line })))
  return {
    content: {
      rules: rules.files,
      statements: statements.files,
      cases: cases.files,
      ...(model === undefined || model.text === live.model.text
        ? {}
        : { model: { name: live.model.name, text: model.text } }),
    },
    left,
  }
}
