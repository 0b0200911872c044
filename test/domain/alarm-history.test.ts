import { AlarmTransition, firedSince } from '../../src/domain/alarm-history';

const SWITCH = 1000;
const to = (at: number, from: string, state: string): AlarmTransition => ({ at, from, to: state, reason: `${from} to ${state}` });
const standing = (state: string, since?: number) => ({ state, reason: 'as it stands', ...(since === undefined ? {} : { since }) });

describe('an alarm has fired since the switch', () => {
  test.each<[string, ReturnType<typeof standing>, AlarmTransition[], object | undefined]>([
    ['not, where nothing happened', standing('OK', 10), [], undefined],
    ['where it fires', standing('ALARM', 1200), [to(1200, 'OK', 'ALARM')], { at: 1200, reason: 'OK to ALARM', cleared: false }],
    ['at the very switch', standing('ALARM', SWITCH), [to(SWITCH, 'OK', 'ALARM')], { at: SWITCH, reason: 'OK to ALARM', cleared: false }],
    ['where it has cleared between two looks', standing('OK', 1300), [to(1200, 'OK', 'ALARM'), to(1300, 'ALARM', 'OK')],
      { at: 1200, reason: 'OK to ALARM', cleared: true }],
    ['where it cleared for want of data', standing('INSUFFICIENT_DATA', 1300), [to(1200, 'INSUFFICIENT_DATA', 'ALARM'), to(1300, 'ALARM', 'INSUFFICIENT_DATA')],
      { at: 1200, reason: 'INSUFFICIENT_DATA to ALARM', cleared: true }],
    ['told newest first', standing('OK', 1300), [to(1300, 'ALARM', 'OK'), to(1200, 'OK', 'ALARM')], { at: 1200, reason: 'OK to ALARM', cleared: true }],
    ['the first of two times', standing('ALARM', 1400), [to(1200, 'OK', 'ALARM'), to(1300, 'ALARM', 'OK'), to(1400, 'OK', 'ALARM')],
      { at: 1200, reason: 'OK to ALARM', cleared: false }],
    ['not, where it has fired since before', standing('ALARM', 999), [], undefined],
    ['not, where it fired and cleared before', standing('OK', 900), [to(800, 'OK', 'ALARM'), to(900, 'ALARM', 'OK')], undefined],
    ['not, where it fired before and clears', standing('OK', 1200), [to(1200, 'ALARM', 'OK')], undefined],
    ['where it fired before, clears and fires anew', standing('ALARM', 1300), [to(1200, 'ALARM', 'OK'), to(1300, 'OK', 'ALARM')],
      { at: 1300, reason: 'OK to ALARM', cleared: false }],
    ['not, where it fired before and only its data were missing', standing('ALARM', 1300), [to(1200, 'ALARM', 'INSUFFICIENT_DATA'), to(1300, 'INSUFFICIENT_DATA', 'ALARM')],
      undefined],
    ['where it fired before and was quiet behind missing data', standing('ALARM', 1400),
      [to(1200, 'ALARM', 'OK'), to(1300, 'OK', 'INSUFFICIENT_DATA'), to(1400, 'INSUFFICIENT_DATA', 'ALARM')],
      { at: 1400, reason: 'INSUFFICIENT_DATA to ALARM', cleared: false }],
    ['where its history has not come yet', standing('ALARM', 1200), [], { at: 1200, reason: 'as it stands', cleared: false }],
    ['the first of two times, told newest first', standing('ALARM', 1400), [to(1400, 'OK', 'ALARM'), to(1300, 'ALARM', 'OK'), to(1200, 'OK', 'ALARM')],
      { at: 1200, reason: 'OK to ALARM', cleared: false }],
    ['where it fires straight from missing data', standing('ALARM', 1200), [to(1200, 'INSUFFICIENT_DATA', 'ALARM')],
      { at: 1200, reason: 'INSUFFICIENT_DATA to ALARM', cleared: false }],
    ['where only its leaving OK shows that it cleared', standing('ALARM', 1400), [to(1200, 'ALARM', 'INSUFFICIENT_DATA'), to(1400, 'OK', 'ALARM')],
      { at: 1400, reason: 'OK to ALARM', cleared: false }],
    ['where only its coming to OK shows that it cleared', standing('ALARM', 1400), [to(1200, 'ALARM', 'OK'), to(1400, 'INSUFFICIENT_DATA', 'ALARM')],
      { at: 1400, reason: 'INSUFFICIENT_DATA to ALARM', cleared: false }],
    ['where its history has come only up to when it cleared', standing('ALARM', 1300), [to(1200, 'ALARM', 'OK')],
      { at: 1300, reason: 'as it stands', cleared: false }],
    ['at the very switch, where its history has not come yet', standing('ALARM', SWITCH), [], { at: SWITCH, reason: 'as it stands', cleared: false }],
    ['not, where nothing says since when', standing('ALARM'), [], undefined],
  ])('%s', (_, now, transitions, expected) => expect(firedSince(SWITCH, now, transitions)).toEqual(expected));
});
