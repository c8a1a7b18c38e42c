//! Host-shared memory, fw_cfg, PCI, virtio console and network.
