import { describe, expect, test } from 'vitest'
import { chooseWays, type Needs } from '../../src/deploy/seeds/choose.ts'
import { layersIn } from '../../src/deploy/seeds/holdings.ts'
import type { Composition } from '../../src/registry/local/composition.ts'

const million = 1_000_000

/** An image of a base and a layer of its own; its id is its name. */
const image = (name: string, size: number, base = 100): [string, Composition] => [
  name,
  {
    ids: [name],
    layers: new Map([
      ['base', base * million],
      [`${name} itself`, size * million],
    ]),
  },
]
const compositions = new Map([
  image('web', 50),
  image('worker', 40),
  image('tiny', 1),
  image('small', 2, 3),
  image('large', 15, 200),
])

type Standing = Partial<Omit<Needs, 'has' | 'images'>> & { images?: string[]; has?: string[]; layers?: string[] }

/** Servers by name; one needs `web` and has nothing unless it says otherwise. */
function needs(servers: Record<string, Standing>): Needs[] {
  return Object.entries(servers).map(([server, { images = ['web'], has = [], layers = [], ...more }]) => ({
    server,
    seed: undefined,
    isReachable: true,
    ...more,
    images: new Map(images.map(one => [one.replace(/ .*/, ''), one])),
    has: { images: new Map(has.map(name => [name, name])), layers: new Set(layers) },
  }))
}

/** `b<a web` for each server that gets images from another one; `b<<a` where the configuration says so. */
const waysOf = (servers: Record<string, Standing>) =>
  [...chooseWays(needs(servers), compositions)]
    .map(([server, { from, images, isConfigured }]) => `${server}<${isConfigured ? '<' : ''}${from} ${images}`)
    .sort()

const nothing = {}
const all = { has: ['web'], layers: ['base', 'web itself'] }

describe('images are handed on', () => {
  test.each<[string, Record<string, Standing>, string[]]>([
    ['by the first where nobody has any', { a: nothing, b: nothing, c: nothing }, ['b<a web', 'c<a web']],
    ['by nobody to one alone', { a: nothing }, []],
    ['by the one that has it', { a: nothing, b: all, c: nothing }, ['a<b web', 'c<b web']],
    ['to nobody who has it', { a: nothing, b: all }, ['a<b web']],
    ['to nobody where all have it', { a: all, b: all }, []],
    ['by the one that lacks least, and gets that from here', { a: nothing, b: { layers: ['base'] } }, ['a<b web']],
    [
      'not where little is missing',
      { a: { images: ['large'], seed: false }, b: { images: ['large'], layers: ['base'] } },
      [],
    ],
    ['where more is', { a: { seed: false }, b: { layers: ['base'] } }, ['b<a web']],
    [
      'not where the change is small',
      { a: { images: ['tiny'], layers: ['base'] }, b: { images: ['tiny'], layers: ['base'] } },
      [],
    ],
    ['not where the image is', { a: { images: ['small'] }, b: { images: ['small'] } }, []],
    ['not those whose size is not known', { a: { images: ['odd'] }, b: { images: ['odd'] } }, []],
    [
      'by the one that has most of them',
      { a: nothing, b: { images: ['web', 'worker'] }, c: { images: ['web', 'worker'] } },
      ['a<b web', 'c<b web,worker'],
    ],
    [
      'by two, where they share nothing',
      { a: nothing, b: { images: ['worker'] }, c: nothing, d: { images: ['worker'] } },
      ['c<a web', 'd<b worker'],
    ],
    ['not what is for another architecture', { a: { images: ['web arm64'] }, b: nothing, c: nothing }, ['c<b web']],
    ['only of what both need', { a: { images: ['web', 'tiny'] }, b: { images: ['web', 'worker'] } }, ['b<a web']],
    [
      'by one that is to have them from here in any case',
      { a: nothing, b: { seed: false }, c: nothing },
      ['a<b web', 'c<b web'],
    ],
    ['also by that one', { a: { seed: false }, b: nothing }, ['b<a web']],
    ['not to one whose address means another machine there', { a: nothing, b: { isReachable: false } }, ['a<b web']],
    ['to nobody under another id', { a: nothing, b: { has: ['worker'] } }, ['b<a web']],
  ])('%s', (_, servers, expected) => expect(waysOf(servers)).toEqual(expected))

  test.each<[string, Record<string, Standing>, string[]]>([
    ['even if it is little', { a: { images: ['small'] }, b: { images: ['small'], seed: 'a' } }, ['b<<a small']],
    ['even if its size is not known', { a: { images: ['odd'] }, b: { images: ['odd'], seed: 'a' } }, ['b<<a odd']],
    ['in chains', { a: nothing, b: { seed: 'a' }, c: { seed: 'b' } }, ['b<<a web', 'c<<b web']],
    ['not if it is there', { a: { seed: false }, b: { ...all, seed: 'a' } }, []],
    ['not if the seed does not need it', { a: { images: ['worker'] }, b: { seed: 'a' } }, []],
    ['not if the seed is not there', { a: { seed: false }, b: { seed: 'z' } }, []],
    ['and in no circle', { a: nothing, b: { ...nothing, seed: 'a' }, c: { has: ['web'], seed: 'b' } }, ['b<<a web']],
  ])('as the configuration says, %s', (_, servers, expected) => expect(waysOf(servers)).toEqual(expected))
  test('in no circle with one that waits', () => {
    const servers = { a: { images: ['web', 'worker'] }, b: { images: ['worker'], seed: 'a' }, c: nothing }
    expect(waysOf(servers)).toEqual(['b<<a worker', 'c<a web'])
  })
})

describe('the layers that a server need not fetch', () => {
  test.each<[string, string, string[]]>([
    ['of what was pulled', 'layers ["127.0.0.1:9270/a@sha256:0"] ["sha256:1","sha256:2"]\n', ['sha256:1', 'sha256:2']],
    ['not of what was loaded, with Docker', 'layers [] ["sha256:1"]\n', []],
    ['not of what was loaded, with Podman', 'layers ["localhost:9270/a@sha256:0"] ["sha256:1"]\n', []],
    ['once', 'layers ["a@sha256:0"] ["sha256:1"]\nlayers ["b@sha256:0"] ["sha256:1"]\n', ['sha256:1']],
    ['of an image without any', 'layers null []\nlayers ["a@sha256:0"] []\n', []],
    ['where the engine says nothing', '', []],
  ])('%s', (_, text, layers) => expect([...layersIn(text)]).toEqual(layers))
})
