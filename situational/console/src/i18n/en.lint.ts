import type { zhLint } from './zh.lint'

/** The words of what a check of the policy finds, by code, in English. */
export const enLint: Record<keyof typeof zhLint, string> = {
  'lint.none': 'Nothing found.',
  'lint.error': 'Errors',
  'lint.warning': 'Warnings',
  'lint.note': 'Notes',
  'lint.others': 'Concerns {n} other rules:',
  'lint.sample': 'For one',
  'lintCode.unreachable': 'never applies',
  'lintText.unreachable': 'No request can meet all conditions of the rule at once, so it never applies.',
  'lintHelp.unreachable':
    'Look for ranges that exclude each other and methods that do not exist; mend the condition, or remove the rule.',
  'lintCode.shadowed': 'shadowed',
  'lintText.shadowed': 'Wherever the rule applies, another decides first, so what it says has no effect.',
  'lintHelp.shadowed': 'Remove it, or narrow the other rule.',
  'lintCode.redundant': 'redundant',
  'lintText.redundant': 'Another rule says the same of all its requests; without it no decision would change.',
  'lintHelp.redundant': 'Remove it, lest one of the two be changed alone later.',
  'lintCode.conflict': 'conflict',
  'lintText.conflict': 'The rule denies some requests that other rules allow: both apply, and the deny wins.',
  'lintHelp.conflict': 'Nothing to do if it is meant as a guard rail; otherwise write the exception.',
  'lintCode.broad': 'broad',
  'lintText.broad':
    'The rule allows with next to no limit on caller, portal and path, and without a condition: more may come through than was meant.',
  'lintHelp.broad': 'Name the caller, the portal or the path, or add a condition.',
  'lintCode.dead-role': 'empty role',
  'lintText.dead-role':
    'Nobody has the role that the rule names, so it applies to nobody. The name may be misspelt, or its members may be missing.',
  'lintHelp.dead-role': 'Give the role to somebody, mend its name, or remove the rule.',
  'lintCode.unused-role': 'unused role',
  'lintText.unused-role': 'Somebody has this role and no rule asks for it, so that having it gives nothing.',
  'lintHelp.unused-role': 'Name it in a rule, or remove the role row.',
  'lintCode.no-index': 'not indexed',
  'lintText.no-index':
    'Every column of the rule is open, so it cannot be looked up: it is tried on every request, which slows decisions down.',
  'lintHelp.no-index': 'Name a department, a host or a path.',
  'lintCode.trap': 'easily misread',
  'lintText.trap':
    'The rule loads, yet it means something other than it seems to: a pattern without anchors, say, or a /folder/* that leaves /folder itself out.',
  'lintHelp.trap': 'Write it as the hint beneath says, so that it can be read one way only.',
}
