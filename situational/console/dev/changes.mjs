/** The changes of a policy in the imitation gateway: a week of invented ones, and the steps that people take. */
import { diff, HR, load, Refused, request, REVISIONS, RULES, runTests, sources, unproved } from './tools.mjs'

const DAY = 86_400_000
const MINUTE = 60_000

const hash = (seed) =>
  Array.from({ length: 64 }, (_, i) => (Math.floor(seed * 31 + i * i * 7 + i * 13) % 16).toString(16)).join('')
const LIVE = hash(42)
const ago = (days) => Date.now() - Math.round(days * DAY)
const step = (who, days, what, why = '') => ({ who, when_ms: ago(days), what, why })
const reach = (gain, lose, denies = 0, obligations = 0, where = []) => ({
  gain,
  lose,
  denies_removed: denies > 0,
  obligations_weakened: obligations > 0,
  statements_changed: false,
  model_changed: false,
  protected: where,
})
const change = (id, author, days, reason, stage, members) => ({
  id,
  bundle: hash(id + days * 7),
  parent: LIVE,
  author,
  reason,
  created_ms: ago(days),
  kind: 'ordinary',
  until_ms: null,
  stage,
  required: 1,
  owners: [],
  approvals: [],
  reach: reach(0, 0),
  steps: [step(author, days, 'drafted', reason)],
  review_due_ms: null,
  ...members,
})
const approval = (who, days, reason) => ({ who, when_ms: ago(days), reason })

export const changes = [
  change(57, 'lin', 0.05, '税务数据交换：新增企业年报接口', 'review', {
    required: 3,
    reach: reach(214, 0, 1, 0, ['tax']),
    approvals: [approval('zhou', 0.03, '已与税务局确认接口范围'), approval('wu', 0.02, '测试齐全')],
    steps: [
      step('lin', 0.05, 'submitted', '税务数据交换：新增企业年报接口'),
      step('zhou', 0.03, 'approved', '已与税务局确认接口范围'),
      step('wu', 0.02, 'approved', '测试齐全'),
    ],
  }),
  change(56, 'chen', 0.2, '收紧外联单位夜间访问', 'review', {
    required: 2,
    reach: reach(0, 38),
    approvals: [approval('zhou', 0.1, '同意')],
  }),
  change(55, 'lin', 1.1, '主管可在双因素下查询薪资', 'shadow', {
    required: 2,
    reach: reach(12, 0, 0, 1, ['hr']),
    approvals: [approval('chen', 1, '人事部门已书面同意'), approval('zhou', 0.9, '同意')],
    steps: [
      step('lin', 1.1, 'submitted'),
      step('chen', 1, 'approved', '人事部门已书面同意'),
      step('zhou', 0.9, 'approved', '同意'),
      step('lin', 0.8, 'shadowed', '先观察一天'),
    ],
  }),
  change(54, 'wu', 2, '住建窗口新增办件查询', 'approved', {
    approvals: [approval('chen', 1.8, '同意')],
    reach: reach(46, 0),
    steps: [step('wu', 2, 'submitted'), step('chen', 1.8, 'approved', '同意')],
  }),
  change(53, 'zhou', 3, '勒索软件应急：禁止全部写操作', 'expired', {
    kind: 'emergency',
    until_ms: ago(2.8),
    required: 2,
    reach: reach(0, 1800),
    review_due_ms: Date.now() + 2 * DAY,
    steps: [step('zhou', 3, 'submitted', '应急处置'), step('hangu', 3, 'emergency'), step('hangu', 2.8, 'expired')],
  }),
  change(52, 'lin', 5, '调整市民办事条件', 'live', {
    bundle: LIVE,
    parent: hash(41),
    approvals: [approval('chen', 4.6, '同意')],
    reach: reach(3, 1),
    steps: [
      step('lin', 5, 'submitted'),
      step('chen', 4.6, 'approved', '同意'),
      step('lin', 4.5, 'promoted', '灰度一天无异常'),
    ],
  }),
  change(51, 'wu', 9, '医保接口灰度', 'rolled-back', {
    approvals: [approval('chen', 8.6, '同意')],
    reach: reach(90, 4),
    steps: [
      step('wu', 9, 'submitted'),
      step('chen', 8.6, 'approved'),
      step('wu', 8.5, 'canaried', '先试 5%'),
      step('hangu', 8.49, 'taken-back', '以前成功的 14 名访问者被拒绝，超过 1%'),
    ],
  }),
  change(50, 'zhou', 12, '放开测试域', 'rejected', {
    reach: reach(4000, 0, 2),
    required: 3,
    steps: [step('zhou', 12, 'submitted'), step('chen', 11.9, 'rejected', '范围过大，请按部门拆分')],
  }),
]
const live = { bundle: LIVE, revision: REVISIONS[0], since_ms: ago(4.5), by: 'lin' }
let candidate = { change: 55, mode: 'shadow', departments: [], share: null, since: ago(0.8) }

export function state() {
  const sample = (aal) => request('u:zhao', ...HR, '/api/v1/people/20417/salary', 'GET', { aal, min: 655 })
  const asked = candidate && Math.round((Date.now() - candidate.since) / 9)
  const rule = (line) => ({ id: line, file: RULES, line, text: '' })
  return {
    reviewed: true,
    live,
    candidate: candidate && {
      change: candidate.change,
      mode: candidate.mode,
      departments: candidate.departments,
      share: candidate.share,
      asked,
      differed: Math.round(asked / 4100),
      refused_more: Math.round(asked / 61_000),
      refused_less: Math.round(asked / 4100) - Math.round(asked / 61_000),
      differences: [
        {
          live: null,
          candidate: rule(12),
          flip: 'gained',
          count: Math.round(asked / 4700),
          sample: { caller: 'u:zhao', request: sample(2) },
        },
        {
          live: rule(10),
          candidate: rule(11),
          flip: 'costs',
          count: Math.round(asked / 32_000),
          sample: { caller: 'u:zhao', request: sample(3) },
        },
        {
          live: rule(9),
          candidate: null,
          flip: 'lost',
          count: Math.round(asked / 61_000),
          sample: { caller: 'svc:tax-etl', request: request('svc:tax-etl', ...HR, '/api/v1/people/7/taxno', 'GET') },
        },
      ],
    },
    changes: changes.map((one) => ({ ...one, rules: undefined, cases: undefined, statements: undefined })),
  }
}

function find(id) {
  const found = changes.find((one) => one.id === Number(id))
  if (found === undefined) throw new Refused(404, 'not-found', 'not found', '没有找到')
  return found
}
export function detail(id) {
  const found = find(id)
  const rules = found.rules ?? edited(found)
  return {
    ...found,
    model: sources.model,
    rules,
    statements: found.statements ?? sources.statements,
    cases: found.cases ?? sources.cases,
    before: { model: sources.model, rules: sources.rules, statements: sources.statements, cases: sources.cases },
    diff: diff(load(sources.rules), load(rules)),
  }
}
/** What an invented change does: the salary rule asks for less, or a rule more for its department. */
function edited({ id }) {
  const [rules, roles] = sources.rules
  const text =
    id === 56
      ? rules.text.replace('r.ctx.risk >= 80, deny', 'r.ctx.risk >= 70, deny')
      : id === 55
        ? rules.text.replace('r.ctx.aal >= 3 && r.ctx.dev >= 70, allow', 'r.ctx.aal >= 2 && r.ctx.dev >= 70, allow')
        : `${rules.text}p, svc:tax-etl, hr, zone:intranet, hr.gov.example, /api/v1/reports/:year, ^GET$, r.ctx.cert, allow, rate:gold;redact:L2\n`
  return [{ ...rules, text }, roles]
}

const reasoned = (body) => {
  if (!body.reason) throw new Refused(422, 'malformed', 'a reason is needed', '需要理由')
}
const note = (found, who, what, why) => found.steps.push({ who, when_ms: Date.now(), what, why })

/** What a proposal brings, once it is found good. */
function checked(body) {
  reasoned(body)
  const before = load(sources.rules)
  const after = load(body.rules)
  const errors = unproved(after, body.statements ?? sources.statements)
  if (errors.length > 0) {
    throw new Refused(
      422,
      'policy-refused',
      'the policy has mistakes; the live one stays',
      '策略有误，仍使用当前策略',
      { errors },
    )
  }
  const tests = runTests(after, body.cases ?? sources.cases, false)
  const failures = tests.slice(0, -1).map(({ file, failure }) => ({ file, ...failure }))
  if (failures.length > 0) {
    throw new Refused(422, 'tests-fail', 'tests of the policy do not hold', '策略的用例未通过', {
      mistakes: failures.map(({ file, line, name, message }) => ({
        file,
        line,
        column: 1,
        message: `the test${name ? ` \`${name}\`` : ''} fails: ${message}`,
        help: '',
      })),
    })
  }
  const regions = diff(before, after)
  return {
    required: 1 + regions.filter(({ kind, text }) => kind === 'row-removed' && text.includes('deny')).length,
    reach: {
      ...reach(regions.filter(({ gained }) => gained).length, regions.filter(({ lost }) => lost).length),
      statements_changed: body.statements !== undefined,
    },
    rules: body.rules,
    cases: body.cases,
    statements: body.statements,
  }
}

export function propose(body, who) {
  const brings = checked(body)
  const emergency = body.emergency_until_ms !== undefined
  const made = change(57 + changes.length - 7, who, 0, body.reason, emergency ? 'live' : 'review', {
    kind: emergency ? 'emergency' : 'ordinary',
    until_ms: body.emergency_until_ms ?? null,
    review_due_ms: emergency ? Date.now() + 3 * DAY : null,
    ...brings,
  })
  changes.unshift(made)
  return made
}

/** Writes a change of one's own anew on top of what is live; its approvals lapse. */
export function revise(id, body, who) {
  const found = find(id)
  if (found.author !== who) {
    throw new Refused(403, 'not-author', 'only its author may', '只有提出者可以执行此操作')
  }
  if (!['draft', 'review', 'approved'].includes(found.stage)) {
    throw new Refused(409, 'wrong-stage', 'not in this stage', '当前阶段不能执行此操作')
  }
  const brings = checked(body)
  const bundle = hash(id + Date.now())
  Object.assign(found, brings, { bundle, parent: live.bundle, stage: 'review', approvals: [], reason: body.reason })
  note(found, who, 'revised', body.reason)
  note(found, who, 'submitted', body.reason)
  return found
}

export function judge(id, verdict, body, who) {
  reasoned(body)
  const found = find(id)
  const refuse = (reason, title, titleZh) => {
    throw new Refused(409, reason, title, titleZh)
  }
  if (verdict === 'approve') {
    if (found.author === who)
      refuse('own-change', 'an author cannot approve their own change', '作者不能批准自己的变更')
    found.approvals.push({ who, when_ms: Date.now(), reason: body.reason })
    if (found.approvals.length >= found.required && found.stage === 'review') found.stage = 'approved'
  }
  if (verdict === 'reject') found.stage = 'rejected'
  if (verdict === 'withdraw') found.stage = 'withdrawn'
  if (verdict === 'rollback') {
    found.stage = 'rolled-back'
    if (candidate?.change === found.id) candidate = null
  }
  if (verdict === 'review') found.review_due_ms = null
  const words = {
    review: 'reviewed',
    approve: 'approved',
    reject: 'rejected',
    withdraw: 'withdrawn',
    rollback: 'taken-back',
  }
  note(found, who, words[verdict], body.reason)
  return found
}

export function advance(id, body, who) {
  reasoned(body)
  const found = find(id)
  if (candidate !== null && candidate.change !== found.id) {
    throw new Refused(409, 'candidate-running', 'another change is being tried', '另一项变更正在试行')
  }
  found.stage = body.to
  note(found, who, { shadow: 'shadowed', canary: 'canaried', live: 'promoted' }[body.to], body.reason)
  candidate =
    body.to === 'live'
      ? null
      : {
          change: id,
          mode: body.to,
          departments: body.departments ?? [],
          share: body.share ?? null,
          since: Date.now() - 10 * MINUTE,
        }
  if (body.to === 'live') Object.assign(live, { bundle: found.bundle, since_ms: Date.now(), by: who })
  return found
}

export function rollBack(body, who) {
  reasoned(body)
  const made = change(57 + changes.length - 7, who, 0, body.reason, 'live', {
    kind: 'rollback',
    bundle: hash(41),
  })
  changes.unshift(made)
  Object.assign(live, { bundle: made.bundle, revision: REVISIONS[1], since_ms: Date.now(), by: who })
  return made
}
