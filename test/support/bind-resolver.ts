// BIND as a resolver that validates, and answers by the NSECs that it has (RFC 8198): it asks 127.0.0.1:`port` for all.

import { bindBasics } from './bind.ts'
import { startForeign } from './foreign-server.ts'
import type { ForeignServer, Place } from './foreign-server.ts'
import { type Anchor, bindAnchors } from './foreign-validators.ts'

export const startValidatingBind = (anchors: readonly Anchor[]): Promise<ForeignServer> =>
  startForeign(
    {
      command: 'named',
      arguments: (file) => ['-g', '-n', '1', '-c', file],
      configuration: (place) => configuration(place, anchors),
    },
    [],
  )

const configuration = (place: Place, anchors: readonly Anchor[]): string => `
options {
${bindBasics(place)}
  recursion yes;
  allow-query { 127.0.0.1; };
  dnssec-validation yes;
  synth-from-dnssec yes;
  empty-zones-enable no;
  forward only;
  forwarders { 127.0.0.1 port ${anchors[0]?.port ?? 0}; };
};
controls { };
logging { category default { default_stderr; }; };
${anchors.map(({ apex, keys }) => bindAnchors(apex, keys)).join('\n')}
${anchors.map(forwardZone).join('\n')}
`

const forwardZone = ({ apex, port }: Anchor): string =>
  `zone "${apex}" { type forward; forward only; forwarders { 127.0.0.1 port ${port}; }; };`
