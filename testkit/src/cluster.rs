//! The simulation behind `simulate --nodes`: several nodes of one room over a log in memory that does everything that an
//! engine may do. Writers and listeners move between the nodes, which die at any point. One seed is one schedule.
//!
//! Only the nodes and their stores are those of the product. Writers and listeners are models of clients, and the program
//! around a node is a model of the server.

mod check;
mod listener;
mod log;
mod node;
mod operator;
mod world;
mod writer;

pub use world::{ClusterResult, simulate};
