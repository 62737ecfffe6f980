/** What each tool is asked, from what its form holds. */
import type { NamedText, Tool, ToolQuestion } from '../api/policy'
import { requestOf, type TypedRequest } from './request'

export interface Asked {
  typed: TypedRequest
  faults: boolean
  events: number
  /** The candidate; the policy in force where it is left out. */
  rules?: NamedText[]
  model?: NamedText
  cases?: NamedText[]
  statements?: NamedText[]
}

export function questionOf(
  tool: Tool,
  { typed, faults, events, rules, model, cases, statements }: Asked,
): ToolQuestion {
  const about = { ...(rules === undefined ? {} : { rules }), ...(model === undefined ? {} : { model }) }
  switch (tool) {
    case 'lint':
    case 'diff':
      return about
    case 'test':
      return { ...about, ...(cases === undefined ? {} : { cases }), ...(faults ? { faults } : {}) }
    case 'prove':
      return { ...about, ...(statements === undefined ? {} : { statements }) }
    case 'explain':
    case 'what-can':
      return { ...about, request: requestOf(typed) }
    case 'who-can': {
      // It is asked for every caller, so that one who was typed for another tool is left out.
      return { ...about, request: requestOf({ ...typed, sub: '' }) }
    }
    case 'replay':
      return { ...about, events }
  }
}
