import assert from 'node:assert/strict'
import test from 'node:test'
import { Emitter } from '../src/emitter.js'

test('a listener is called until it is undone', () => {
  const emitter = new Emitter<{ state: string }>()
  const seen: string[] = []
  const off = emitter.on('state', (state) => seen.push(state))
  emitter.emit('state', 'attached')
  off()
  emitter.emit('state', 'detached')
  assert.deepEqual(seen, ['attached'])
})

test('the same listener added twice is undone one by one', () => {
  const emitter = new Emitter<{ state: string }>()
  let calls = 0
  const listener = (): void => void calls++
  const off = emitter.on('state', listener)
  emitter.on('state', listener)
  emitter.emit('state', '')
  off()
  emitter.emit('state', '')
  assert.equal(calls, 3)
})
