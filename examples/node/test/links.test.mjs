import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileOf, signedLink } from '../src/links.mjs'

const link = signedLink('a b.pdf', 1000, 'key')

test('a link leads to its file until its time is over', () => {
  assert.equal(fileOf(link, 1000, 'key'), 'a b.pdf')
  assert.equal(fileOf(link, 1001, 'key'), undefined)
})

test('a link that somebody else has made or changed leads nowhere', () => {
  assert.equal(fileOf(link, 0, 'another'), undefined)
  assert.equal(fileOf(link.replace('a%20b', 'c'), 0, 'key'), undefined)
  assert.equal(fileOf(link.replace('1000', '9999'), 0, 'key'), undefined)
  assert.equal(fileOf('/files/a', 0, 'key'), undefined)
})
