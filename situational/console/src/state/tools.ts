/** Questions to the policy's tools: one after the other, since the gateway works on one for each administrator. */
import { reactive } from 'vue'
import { api } from '../api/endpoints'
import type { PolicyRequest, Tool, ToolAnswer, ToolQuestion } from '../api/policy'
import { typedOf, type TypedRequest } from '../policy/request'

let last: Promise<unknown> = Promise.resolve()

/** Asks when it is this question's turn; undefined when it is `stale` by then and was not asked. */
export function askTool(tool: Tool, question: ToolQuestion): Promise<ToolAnswer>
export function askTool(tool: Tool, question: ToolQuestion, stale: () => boolean): Promise<ToolAnswer | undefined>
export function askTool(
  tool: Tool,
  question: ToolQuestion,
  stale: () => boolean = () => false,
): Promise<ToolAnswer | undefined> {
  const answer = last.then(() => (stale() ? undefined : api.tool(tool, question)))
  // One question that fails does not hold up the next.
  last = answer.catch(() => undefined)
  return answer
}

/** The request that the forms hold: kept while one goes from tool to tool. */
export const typed = reactive<TypedRequest>({})

/** Fills the form with a request that a result showed. */
export function takeRequest(request: PolicyRequest): void {
  for (const name of Object.keys(typed)) delete typed[name]
  Object.assign(typed, typedOf(request))
}
