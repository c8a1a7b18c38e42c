//! A software PSP: answers guest messages and signs simulated reports.
