// Countries (ISO 3166-1) and their continents: for databases that have no continents, and for what operators write in place
// of a code.
//
// The continents are those of GeoNames and MaxMind, which also decide for countries on two: Russia and Cyprus EU; Turkey,
// Georgia, Armenia, Azerbaijan and Kazakhstan AS; Egypt AF. Not in ISO 3166, but in databases: XK (Kosovo), AN
// (Netherlands Antilles, until 2010), and EU and AP, which registries use for "somewhere in the region".

import { nearest } from './suggest-name.ts'

const countries = {
  AF: `AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW
    MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW`,
  AN: 'AQ BV GS HM TF',
  AS: `AE AF AM AP AZ BD BH BN BT CC CN GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY
    NP OM PH PK PS QA SA SG SY TH TJ TM TR TW UZ VN YE`,
  EU: `AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES EU FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC
    MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK`,
  NA: `AG AI AN AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM PR SV SX
    TC TT US VC VG VI`,
  OC: `AS AU CK CX FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TL TO TV UM VU WF WS`,
  SA: 'AR BO BR CL CO EC FK GF GY PE PY SR UY VE',
} as const

type Continent = keyof typeof countries

const continentByCountry: ReadonlyMap<string, Continent> = new Map(
  Object.entries(countries).flatMap(([continent, list]) =>
    list.split(/\s+/).map((country) => [country, continent as Continent] as const),
  ),
)

/** The continent of a country code in upper case; null: unknown. */
export const continentOf = (country: string): Continent | null =>
  continentByCountry.get(country) ?? null

export const continents: ReadonlyMap<string, string> = new Map([
  ['AF', 'Africa'],
  ['AN', 'Antarctica'],
  ['AS', 'Asia'],
  ['EU', 'Europe'],
  ['NA', 'North America'],
  ['OC', 'Oceania'],
  ['SA', 'South America'],
])

/** In databases, and no country: a rule that names one means something else. */
const regions: readonly string[] = ['EU', 'AP']

/** Whether a code in upper case is one of a country. */
export const isCountry = (code: string): boolean =>
  continentByCountry.has(code) && !regions.includes(code)

/** Codes of three letters (ISO 3166-1 alpha-3). */
const alpha3 = `
    ABW:AW AFG:AF AGO:AO AIA:AI ALA:AX ALB:AL AND:AD ARE:AE ARG:AR ARM:AM ASM:AS ATA:AQ ATF:TF ATG:AG AUS:AU
    AUT:AT AZE:AZ BDI:BI BEL:BE BEN:BJ BES:BQ BFA:BF BGD:BD BGR:BG BHR:BH BHS:BS BIH:BA BLM:BL BLR:BY BLZ:BZ
    BMU:BM BOL:BO BRA:BR BRB:BB BRN:BN BTN:BT BVT:BV BWA:BW CAF:CF CAN:CA CCK:CC CHE:CH CHL:CL CHN:CN CIV:CI
    CMR:CM COD:CD COG:CG COK:CK COL:CO COM:KM CPV:CV CRI:CR CUB:CU CUW:CW CXR:CX CYM:KY CYP:CY CZE:CZ DEU:DE
    DJI:DJ DMA:DM DNK:DK DOM:DO DZA:DZ ECU:EC EGY:EG ERI:ER ESH:EH ESP:ES EST:EE ETH:ET FIN:FI FJI:FJ FLK:FK
    FRA:FR FRO:FO FSM:FM GAB:GA GBR:GB GEO:GE GGY:GG GHA:GH GIB:GI GIN:GN GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR
    GRD:GD GRL:GL GTM:GT GUF:GF GUM:GU GUY:GY HKG:HK HMD:HM HND:HN HRV:HR HTI:HT HUN:HU IDN:ID IMN:IM IND:IN
    IOT:IO IRL:IE IRN:IR IRQ:IQ ISL:IS ISR:IL ITA:IT JAM:JM JEY:JE JOR:JO JPN:JP KAZ:KZ KEN:KE KGZ:KG KHM:KH
    KIR:KI KNA:KN KOR:KR KWT:KW LAO:LA LBN:LB LBR:LR LBY:LY LCA:LC LIE:LI LKA:LK LSO:LS LTU:LT LUX:LU LVA:LV
    MAC:MO MAF:MF MAR:MA MCO:MC MDA:MD MDG:MG MDV:MV MEX:MX MHL:MH MKD:MK MLI:ML MLT:MT MMR:MM MNE:ME MNG:MN
    MNP:MP MOZ:MZ MRT:MR MSR:MS MTQ:MQ MUS:MU MWI:MW MYS:MY MYT:YT NAM:NA NCL:NC NER:NE NFK:NF NGA:NG NIC:NI
    NIU:NU NLD:NL NOR:NO NPL:NP NRU:NR NZL:NZ OMN:OM PAK:PK PAN:PA PCN:PN PER:PE PHL:PH PLW:PW PNG:PG POL:PL
    PRI:PR PRK:KP PRT:PT PRY:PY PSE:PS PYF:PF QAT:QA REU:RE ROU:RO RUS:RU RWA:RW SAU:SA SDN:SD SEN:SN SGP:SG
    SGS:GS SHN:SH SJM:SJ SLB:SB SLE:SL SLV:SV SMR:SM SOM:SO SPM:PM SRB:RS SSD:SS STP:ST SUR:SR SVK:SK SVN:SI
    SWE:SE SWZ:SZ SXM:SX SYC:SC SYR:SY TCA:TC TCD:TD TGO:TG THA:TH TJK:TJ TKL:TK TKM:TM TLS:TL TON:TO TTO:TT
    TUN:TN TUR:TR TUV:TV TWN:TW TZA:TZ UGA:UG UKR:UA UMI:UM URY:UY USA:US UZB:UZ VAT:VA VCT:VC VEN:VE VGB:VG
    VIR:VI VNM:VN VUT:VU WLF:WF WSM:WS YEM:YE ZAF:ZA ZMB:ZM ZWE:ZW`

/** By what is written in place of the code, in upper case. */
const otherCodes: ReadonlyMap<string, string> = new Map([
  ...alpha3
    .trim()
    .split(/\s+/)
    .map((pair) => pair.split(':') as [string, string]),
  ['UK', 'GB'],
  ['EL', 'GR'],
  ['ENGLAND', 'GB'],
  ['SCOTLAND', 'GB'],
  ['WALES', 'GB'],
  ['GREAT BRITAIN', 'GB'],
  ['HOLLAND', 'NL'],
  ['RUSSIAN FEDERATION', 'RU'],
])

/** What is meant where `word` is no code of a country: `did you mean GB?`, `write continent: EU`; null: nothing is near. */
export function suggestCountry(word: string): string | null {
  const upper = word.trim().toUpperCase()
  const continent = [...continents].find((pair) => pair.some((one) => one.toUpperCase() === upper))
  // South America is near to South Africa.
  if (continent !== undefined && !otherCodes.has(upper)) return `write continent: ${continent[0]}`
  const code = otherCodes.get(upper) ?? countryNamed(word)
  return code === null ? null : `did you mean ${code}?`
}

/** What is meant where `word` is no code of a continent. */
export function suggestContinent(word: string): string | null {
  const continent = continentNamed(word)
  if (continent !== null) return `did you mean ${continent}?`
  const upper = word.trim().toUpperCase()
  const code = isCountry(upper) ? upper : (otherCodes.get(upper) ?? countryNamed(word))
  return code === null ? null : `write country: ${code}`
}

const continentNamed = (word: string): string | null => codeNamed(word, continents)

function countryNamed(word: string): string | null {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  const codes = [...continentByCountry.keys()].filter(isCountry)
  return codeNamed(word, new Map(codes.map((code) => [code, names.of(code) ?? code])))
}

/** The code whose name is the word, or the one that is nearest to it. `names`: by code. */
function codeNamed(word: string, names: ReadonlyMap<string, string>): string | null {
  // Two letters are near to too many names.
  if (word.trim().length < 4) return null
  const name = nearest(word.trim(), [...names.values()])
  return [...names].find(([, one]) => one === name)?.[0] ?? null
}
