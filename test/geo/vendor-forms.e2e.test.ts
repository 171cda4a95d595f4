// Databases in the forms of their vendors, written by MaxMind's own writer (Perl), whose reader of this format ours is
// not: what each says of an address, and what `mxsteer geoip` says of each.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { mainFile, temporaryFolder } from '../support/server.ts'
import { asnsFrom, placesFrom, whereabouts } from './arrange.ts'

/** Takes the file's name, its type and `{ NETWORK: RECORD }` as JSON. */
const writer = `
use strict; use warnings; use JSON::PP; use MaxMind::DB::Writer::Tree;
my ($file, $type, $networks) = @ARGV;
my %types = (country => 'map', continent => 'map', names => 'map', autonomous_system_number => 'uint32',
  geoname_id => 'uint32', is_in_european_union => 'boolean');
# IPinfo has texts where others have maps.
$types{$_} = 'utf8_string' for $type =~ /ipinfo/ ? qw(country continent) : ();
my $tree = MaxMind::DB::Writer::Tree->new(ip_version => 6, record_size => 28, database_type => $type,
  languages => ['en'], description => { en => 'made by a test' }, remove_reserved_networks => 0,
  map_key_type_callback => sub { $types{$_[0]} // 'utf8_string' });
my $records = decode_json($networks);
$tree->insert_network($_, $records->{$_}) for sort keys %$records;
open my $out, '>:raw', $file or die $!;
$tree->write_tree($out);
close $out or die $!;
`

const lite = {
  asn: 'AS64500',
  as_name: 'Example Ltd',
  as_domain: 'example.net',
  continent: 'North America',
  continent_code: 'NA',
  country: 'Canada',
  country_code: 'CA',
}
const forms = {
  'ipinfo ipinfo_lite.mmdb': { '11.0.0.0/8': lite, '2a01::/16': { ...lite, asn: 'AS4200000000' } },
  'ipinfo country_asn.mmdb': {
    '11.0.0.0/8': { country: 'CA', country_name: 'Canada', continent: 'NA', asn: 'AS64500' },
  },
  'DBIP-Country-Lite': {
    '11.0.0.0/8': {
      continent: { code: 'NA', geoname_id: 6_255_149, names: { en: 'North America' } },
      country: {
        geoname_id: 6_251_999,
        is_in_european_union: 0,
        iso_code: 'CA',
        names: { en: 'Canada' },
      },
    },
  },
  'DBIP-ASN-Lite (compat=GeoLite2-ASN)': {
    '11.0.0.0/8': {
      autonomous_system_number: 64_500,
      autonomous_system_organization: 'Example Ltd',
    },
  },
}

const folder = temporaryFolder()

function write(type: keyof typeof forms): string {
  const file = join(folder, `${type.replaceAll(/\W/g, '-')}.mmdb`)
  execFileSync('perl', ['-e', writer, file, type, JSON.stringify(forms[type])])
  return file
}

const geoip = (...words: readonly string[]): readonly [number | null, string] => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [mainFile, 'geoip', ...words], {
    encoding: 'utf8',
  })
  return [status, stdout + stderr]
}

describe('a file for countries and ASNs', () => {
  test.each(['ipinfo ipinfo_lite.mmdb', 'ipinfo country_asn.mmdb'] as const)('%s', (type) => {
    const file = write(type)
    const octets = readFileSync(file)
    const networks = { country: placesFrom(octets), asn: asnsFrom(octets) }
    expect(whereabouts(networks, '11.1.2.3')).toBe('NA CA 64500')
    expect(whereabouts(networks, '12.1.2.3')).toBe('null null null')
    const day = new Date().toISOString().slice(0, 10)
    const [code, said] = geoip(file)
    expect([code, said.split('\n').length]).toEqual([0, 3])
    for (const use of ['country', 'asn'])
      expect(said).toContain(
        `${file}: ${use} database of type "${type}", made on ${day}, 0 days ago`,
      )
  })

  test('with 32 bits of ASN, and IPv6', () => {
    const octets = readFileSync(write('ipinfo ipinfo_lite.mmdb'))
    const networks = { country: placesFrom(octets), asn: asnsFrom(octets) }
    expect(whereabouts(networks, '2a01::1')).toBe('NA CA 4200000000')
  })
})

test('files for one of them are refused for the other', () => {
  const [country, asn] = [
    write('DBIP-Country-Lite'),
    write('DBIP-ASN-Lite (compat=GeoLite2-ASN)'),
  ] as const
  const networks = {
    country: placesFrom(readFileSync(country)),
    asn: asnsFrom(readFileSync(asn)),
  }
  expect(whereabouts(networks, '11.1.2.3')).toBe('NA CA 64500')
  expect(geoip(country, '--for', 'country')[0]).toBe(0)
  expect(geoip(country, '--for', 'asn')).toEqual([
    1,
    `mxsteer geoip: as asn database, ${country}: is of type "DBIP-Country-Lite" and knows the ASN of no address\n`,
  ])
  expect(geoip(asn, '--for', 'asn')[0]).toBe(0)
  expect(geoip(asn, '--for', 'country')[0]).toBe(1)
})

test('what is cut short is refused', () => {
  const octets = readFileSync(write('ipinfo ipinfo_lite.mmdb'))
  const file = join(folder, 'short.mmdb')
  writeFileSync(file, octets.subarray(0, -40))
  const [code, said] = geoip(file)
  expect(code).toBe(1)
  expect(said).toContain(file)
})

test('without a file it is that of the settings, or the one that comes along', () => {
  const config = join(folder, 'mxsteer.yaml')
  const file = write('ipinfo ipinfo_lite.mmdb')
  writeFileSync(config, `geoip: { country: ${file}, asn: ${file} }\n`)
  expect(geoip('--config', config)[1].split('\n')).toHaveLength(3)
  expect(geoip('--for', 'asn')[0]).toBe(2)
  expect(geoip(file, '--for', 'city')[0]).toBe(2)
  const [code, said] = geoip()
  expect(code).toBe(0)
  expect(said).toMatch(/^the database that comes with mxsteer: country database .*, made on 2\d+-/)
})
