//! Starts the simulated GPU drivers in this process and reads their ledger
