import './style/tokens.css'
import './style/page.css'
import './style/shell.css'
import './style/parts.css'

import { render } from 'preact'

import { App } from './shell/app.tsx'
import { openFind } from './shell/find.tsx'
import { followKeys } from './shell/keys.ts'
import { followFragment } from './shell/route.ts'
import { applyAppearance } from './shell/theme.ts'
import { sessionSlot } from './shell/settings.tsx'
import { SessionFoot } from './shell/sign-in.tsx'
import { views } from './shell/view-row.ts'
import { followServer, refresh } from './store/live.ts'
import { nextFrame } from './store/next-frame.ts'
import { learnSession } from './store/session.ts'
import { viewTable } from './views/view-table.ts'

/** What the server says is mostly there with the scripts: a page without it is drawn first where it takes longer. */
const shellAfterMs = 100

applyAppearance()
views.value = viewTable
followFragment()
followKeys(openFind)
followServer()
sessionSlot.value = SessionFoot
const known = refresh()
const shellTime = new Promise((resolve) => setTimeout(resolve, shellAfterMs))
void Promise.race([known, shellTime]).then(() =>
  render(<App />, document.querySelector('#console') as HTMLElement),
)
void known.then(nextFrame).then(learnSession)
