// The views, in the order of the rail. A view is a row here and a folder beside; all but the first are loaded when they
// are gone to.

import type { ViewRow } from '../shell/view-row.ts'
import { overrides } from '../store/live.ts'
import { Overview } from './overview/overview.tsx'

export const viewTable: readonly ViewRow[] = [
  {
    path: '',
    title: 'Overview',
    icon: 'overview',
    group: 'steering',
    goKey: 'o',
    isInTabBar: true,
    View: Overview,
  },
  {
    path: 'target',
    title: 'Target',
    icon: 'traffic',
    group: null,
    goKey: null,
    isInTabBar: false,
    load: async () => (await import('./target/target.tsx')).Target,
  },
  {
    path: 'ask',
    title: 'Ask',
    icon: 'ask',
    group: 'steering',
    goKey: 'a',
    isInTabBar: true,
    load: async () => (await import('./ask/ask.tsx')).Ask,
  },
  {
    path: 'whatif',
    title: 'What if',
    icon: 'whatif',
    group: 'steering',
    goKey: 'w',
    isInTabBar: false,
    load: async () => (await import('./whatif/what-if.tsx')).WhatIf,
  },
  {
    path: 'map',
    title: 'Who gets whom',
    icon: 'map',
    group: 'steering',
    goKey: 'm',
    isInTabBar: false,
    load: async () => (await import('./map/who.tsx')).Who,
  },
  {
    path: 'drains',
    title: 'Drains',
    icon: 'drains',
    group: 'running',
    goKey: 'd',
    isInTabBar: true,
    count: () => {
      const count = overrides.value.length
      return count === 0 ? null : { count, tone: 'hold' }
    },
    load: async () => (await import('./drains/drains.tsx')).Drains,
  },
  {
    path: 'events',
    title: 'Events',
    icon: 'events',
    group: 'running',
    goKey: 'e',
    isInTabBar: true,
    load: async () => (await import('./events/events.tsx')).Events,
  },
  {
    path: 'traffic',
    title: 'Traffic',
    icon: 'traffic',
    group: 'running',
    goKey: 't',
    isInTabBar: false,
    load: async () => (await import('./traffic/traffic.tsx')).Traffic,
  },
  {
    path: 'budgets',
    title: 'Error budgets',
    icon: 'budgets',
    group: 'running',
    goKey: 'b',
    isInTabBar: false,
    load: async () => (await import('./budgets/budgets.tsx')).Budgets,
  },
  {
    path: 'instances',
    title: 'Instances',
    icon: 'instances',
    group: 'serving',
    goKey: 'i',
    isInTabBar: false,
    load: async () => (await import('./instances/instances.tsx')).Instances,
  },
  {
    path: 'zones',
    title: 'Zone files',
    icon: 'zones',
    group: 'serving',
    goKey: 'z',
    isInTabBar: false,
    load: async () => (await import('./zones/zones.tsx')).Zones,
  },
]
