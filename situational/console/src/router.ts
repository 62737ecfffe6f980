import { createRouter, createWebHashHistory } from 'vue-router'
import type { Key } from './i18n'
import { DEED, type Deed } from './state/may'
import Alerts from './pages/Alerts.vue'
import Bans from './pages/Bans.vue'
import Callers from './pages/Callers.vue'
import Events from './pages/Events.vue'
import Inspection from './pages/Inspection.vue'
import Overview from './pages/Overview.vue'
import Policy from './pages/Policy.vue'
import Redaction from './pages/Redaction.vue'
import System from './pages/System.vue'

/** The pages in the order of the bar; `key` follows `g` on the keyboard. */
export const PAGES = [
  { name: 'overview', path: '/', key: 'o', title: 'nav.overview', deed: DEED.overview, component: Overview },
  { name: 'events', path: '/events', key: 'e', title: 'nav.events', deed: DEED.events, component: Events },
  { name: 'alerts', path: '/alerts', key: 'a', title: 'nav.alerts', deed: DEED.alerts, component: Alerts },
  { name: 'callers', path: '/callers', key: 'c', title: 'nav.callers', deed: DEED.callers, component: Callers },
  { name: 'bans', path: '/bans', key: 'b', title: 'nav.bans', deed: DEED.bans, component: Bans },
  {
    name: 'inspection',
    path: '/inspection/:tab(events|exceptions)?',
    key: 'i',
    title: 'nav.inspection',
    deed: DEED.inspection,
    component: Inspection,
  },
  {
    name: 'policy',
    path: '/policy/:tab(tools|editor|changes)?/:id?',
    key: 'p',
    title: 'nav.policy',
    deed: DEED.sources,
    component: Policy,
  },
  {
    name: 'redaction',
    path: '/redaction/:tab(fields|reveal|person)?',
    key: 'r',
    title: 'nav.redaction',
    deed: DEED.redactionFields,
    component: Redaction,
  },
  { name: 'system', path: '/system', key: 's', title: 'nav.system', deed: DEED.system, component: System },
] as const satisfies readonly { name: string; path: string; key: string; title: Key; deed: Deed; component: unknown }[]

export const router = createRouter({
  history: createWebHashHistory('/console/'),
  routes: [
    ...PAGES.map(({ name, path, component }) => ({ name, path, component })),
    { path: '/:rest(.*)*', redirect: '/' },
  ],
})
