//! Instructions, paging, exceptions: the processor, behind safe functions.
