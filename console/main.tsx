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
import { followServer } from './store/live.ts'
import { learnSession } from './store/session.ts'
import { viewTable } from './views/view-table.ts'

applyAppearance()
views.value = viewTable
followFragment()
followKeys(openFind)
followServer()
sessionSlot.value = SessionFoot
void learnSession()
render(<App />, document.querySelector('#console') as HTMLElement)
