import { hasLocalStorage } from '../../src/training/training-jobs';

test.each([['ml.m5.large', false], ['ml.m5d.large', true], ['ml.c7gd.large', true], ['ml.g4dn.xlarge', true], ['ml.p4de.24xlarge', true], ['ml.g6e.xlarge', true], ['ml.trn1.2xlarge', true], ['ml.p3.2xlarge', false], ['ml.r6i.large', false]])(
  'disks of its own on %s: %s', (type, expected) => {
    expect(hasLocalStorage(type)).toBe(expected);
  });
