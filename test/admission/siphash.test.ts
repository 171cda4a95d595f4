// The 64 vectors of the reference implementation: key 00 01 … 0f, message 00 01 … of 0 to 63 octets.

import { createHash } from 'node:crypto'

import { expect, test } from 'vitest'

import { createSipState, sipHash24 } from '../../src/admission/siphash.ts'

/** As 64-bit numbers, in the order of the message's length. */
const vectors = `
  726fdb47dd0e0e31 74f839c593dc67fd 0d6c8009d9a94f5a 85676696d7fb7e2d cf2794e0277187b7 18765564cd99a68d
  cbc9466e58fee3ce ab0200f58b01d137 93f5f5799a932462 9e0082df0ba9e4b0 7a5dbbc594ddb9f3 f4b32f46226bada7
  751e8fbc860ee5fb 14ea5627c0843d90 f723ca908e7af2ee a129ca6149be45e5 3f2acc7f57c29bdb 699ae9f52cbe4794
  4bc1b3f0968dd39c bb6dc91da77961bd bed65cf21aa2ee98 d0f2cbb02e3b67c7 93536795e3a33e88 a80c038ccd5ccec8
  b8ad50c6f649af94 bce192de8a85b8ea 17d835b85bbb15f3 2f2e6163076bcfad de4daaaca71dc9a5 a6a2506687956571
  ad87a3535c49ef28 32d892fad841c342 7127512f72f27cce a7f32346f95978e3 12e0b01abb051238 15e034d40fa197ae
  314dffbe0815a3b4 027990f029623981 cadcd4e59ef40c4d 9abfd8766a33735c 0e3ea96b5304a7d0 ad0c42d6fc585992
  187306c89bc215a9 d4a60abcf3792b95 f935451de4f21df2 a9538f0419755787 db9acddff56ca510 d06c98cd5c0975eb
  e612a3cb9ecba951 c766e62cfcadaf96 ee64435a9752fe72 a192d576b245165a 0a8787bf8ecb74b2 81b3e73d20b49b6f
  7fa8220ba3b2ecea 245731c13ca42499 b78dbfaf3a8d83bd ea1ad565322a1a0b 60e61c23a3795013 6606d7e446282b93
  6ca4ecb15c5f91e1 9f626da15c9625f3 e51b38608ef25f57 958a324ceb064572`
  .trim()
  .split(/\s+/)

const counting = (octets: number): Uint8Array => Uint8Array.from({ length: octets }, (_, i) => i)

/** The hash as one 64-bit number in hex. */
function hashOf(key: Uint8Array, octets: Uint8Array, from: number, end: number): string {
  const out = new Uint8Array(8)
  sipHash24(createSipState(), key, octets, from, end, out, 0)
  return Buffer.from(out.toReversed()).toString('hex')
}

test.each(vectors.map((wanted, octets) => ({ octets, wanted })))(
  'a message of $octets octets',
  ({ octets, wanted }) => {
    expect(hashOf(counting(16), counting(64), 0, octets)).toBe(wanted)
  },
)

test('reads only the given range, and writes only its eight octets', () => {
  const shifted = new Uint8Array([...new Uint8Array(5).fill(0xee), ...counting(15), 0xee, 0xee])
  const out = new Uint8Array(12).fill(0xaa)
  sipHash24(createSipState(), counting(16), shifted, 5, 20, out, 2)
  expect(Buffer.from(out.subarray(2, 10).toReversed()).toString('hex')).toBe(vectors[15])
  expect([out[0], out[1], out[10], out[11]]).toEqual([0xaa, 0xaa, 0xaa, 0xaa])
})

test('keys and messages with high bits, against plain 64-bit arithmetic', () => {
  for (let i = 0; i < 300; i++) {
    const random = createHash('sha512').update(String(i)).digest()
    const key = random.subarray(0, 16)
    const message = random.subarray(16, 16 + (i % 48))
    expect(hashOf(key, message, 0, message.length)).toBe(plain(key, message))
  }
})

/** SipHash-2-4 as the paper writes it, in BigInt. */
function plain(key: Buffer, message: Buffer): string {
  const mask = (1n << 64n) - 1n
  const rotated = (word: bigint, by: bigint): bigint => ((word << by) | (word >> (64n - by))) & mask
  const k0 = key.readBigUInt64LE(0)
  const k1 = key.readBigUInt64LE(8)
  let v0 = k0 ^ 0x736f6d6570736575n
  let v1 = k1 ^ 0x646f72616e646f6dn
  let v2 = k0 ^ 0x6c7967656e657261n
  let v3 = k1 ^ 0x7465646279746573n
  const rounds = (count: number): void => {
    for (; count > 0; count--) {
      v0 = (v0 + v1) & mask
      v1 = rotated(v1, 13n) ^ v0
      v0 = rotated(v0, 32n)
      v2 = (v2 + v3) & mask
      v3 = rotated(v3, 16n) ^ v2
      v0 = (v0 + v3) & mask
      v3 = rotated(v3, 21n) ^ v0
      v2 = (v2 + v1) & mask
      v1 = rotated(v1, 17n) ^ v2
      v2 = rotated(v2, 32n)
    }
  }
  const padded = Buffer.alloc(8 * Math.floor(message.length / 8 + 1))
  message.copy(padded)
  padded[padded.length - 1] = message.length
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at)
    v3 ^= word
    rounds(2)
    v0 ^= word
  }
  v2 ^= 0xffn
  rounds(4)
  return (v0 ^ v1 ^ v2 ^ v3).toString(16).padStart(16, '0')
}
