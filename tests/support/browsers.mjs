/** Real browsers, each with a profile of its own that goes when it does. */

import puppeteer from 'puppeteer-core'

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium'
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr'

/**
 * @param {string[]} extraArgs
 * @param {import('puppeteer-core').LaunchOptions} [options]
 * @returns {Promise<import('puppeteer-core').Browser>}
 */
export function chromium(extraArgs = [], options = {}) {
  return puppeteer.launch({
    executablePath: CHROMIUM,
    headless: true,
    ...options,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...extraArgs,
    ],
  })
}

/** Chromium as it is about to be: nobody alters its SDP, so that WebRTC-direct's handshake v1 can't be. */
export const strictChromium = () => chromium(['--force-fieldtrials=WebRTC-NoSdpMangleUfrag/Enabled/'])

/** @returns {Promise<import('puppeteer-core').Browser>} */
export function firefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    headless: true,
    extraPrefsFirefox: {
      // Firefox refuses ICE on loopback otherwise.
      'media.peerconnection.ice.loopback': true,
      // No word to anybody outside.
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'app.normandy.enabled': false,
      'services.settings.server': 'data:,',
      'browser.safebrowsing.malware.enabled': false,
      'browser.safebrowsing.phishing.enabled': false,
    },
  })
}
